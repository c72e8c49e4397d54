//! One file per command.

mod account;
mod alias;
mod app_password;
mod audit;
mod backup;
mod demo;
mod dkim;
mod dns;
mod documents;
mod group;
mod import;
mod locks;
mod operate;
mod policy;
mod queue;
mod quota;
mod reports;
mod serve;
mod sieve;
mod store;

use crate::cli::Command;
use std::process::ExitCode;

/// Do what the command line asks for.
pub(crate) async fn run(command: Command) -> Result<ExitCode, String> {
    match command {
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::Serve { config } => serve::run(&config).await,
        Command::Account(command) => account::run(command).await,
        Command::AppPassword(command) => app_password::run(command).await,
        Command::Quota(command) => quota::run(command).await,
        Command::Trash(command) => documents::trash(command).await,
        Command::Versions(command) => documents::versions(command).await,
        Command::Sieve(command) => sieve::run(command).await,
        Command::Queue(command) => queue::run(command).await,
        Command::Reports(arguments) => reports::run(arguments).await,
        Command::Import(arguments) => import::run(arguments).await,
        Command::Share(arguments) => operate::share(arguments).await,
        Command::Explain(arguments) => operate::explain(arguments).await,
        Command::Alias(command) => alias::run(command).await,
        Command::Locks(command) => locks::run(command).await,
        Command::Group(command) => group::run(command).await,
        Command::Policy(command) => policy::run(&command),
        Command::Audit(arguments) => audit::run(arguments).await,
        Command::Reload { at } => operate::reload(&at).await,
        Command::Store(command) => store::run(command).await,
        Command::Backup(command) => Box::pin(backup::run(command)).await,
        Command::Dkim(command) => dkim::run(command).await,
        Command::Dns(arguments) => Box::pin(dns::print(&arguments.config)).await,
        Command::Check { dns: true, at } => Box::pin(dns::check(&at)).await,
        Command::Check { dns: false, at } => operate::check(&at).await,
    }
}
