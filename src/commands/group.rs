//! `octroi group add|remove|list|address|join|leave`.

use crate::admin::client::ask;
use crate::admin::protocol::{Reply, Request};
use crate::cli::Group;
use crate::commands::operate::{finish, unexpected};
use std::process::ExitCode;

pub(crate) async fn run(command: Group) -> Result<ExitCode, String> {
    match command {
        Group::Add { name, at } => finish(ask(&at, Request::GroupAdd { name }).await?),
        Group::Remove { name, at } => finish(ask(&at, Request::GroupRemove { name }).await?),
        Group::Address { name, address, members_only, none: _, at } => {
            finish(ask(&at, Request::GroupAddress { name, address, members_only }).await?)
        }
        Group::Join { name, address, at } => finish(ask(&at, Request::GroupMember { name, address, is_member: true }).await?),
        Group::Leave { name, address, at } => finish(ask(&at, Request::GroupMember { name, address, is_member: false }).await?),
        Group::List { at } => match ask(&at, Request::GroupList).await? {
            Reply::Groups(groups) => {
                for group in groups {
                    println!("{}\t{}", group.name, group.members.join(" "));
                }
                Ok(ExitCode::SUCCESS)
            }
            Reply::Failed(why) => Err(why),
            _ => Err(unexpected()),
        },
    }
}
