//! `octroi audit [show]|verify|export`.

use crate::admin::client::{Conversation, ask};
use crate::admin::protocol::{Reply, Request};
use crate::cli::{At, Audit, AuditCommand, AuditShow};
use crate::commands::operate::{finish, unexpected};
use std::io::{BufWriter, Write};
use std::process::ExitCode;

/// Hexadecimal digits of a link.
const LINK_DIGITS: usize = 64;

pub(crate) async fn run(arguments: Audit) -> Result<ExitCode, String> {
    match arguments.command.unwrap_or(AuditCommand::Show(arguments.show)) {
        AuditCommand::Show(AuditShow { at, lines, account, before }) => finish(ask(&at, Request::Audit { lines, account, before }).await?),
        AuditCommand::Verify { expect, at } => verify(&at, expect.as_deref()).await,
        AuditCommand::Export { after, at } => export(&at, after).await,
    }
}

async fn verify(at: &At, expect: Option<&str>) -> Result<ExitCode, String> {
    let expect = expect.map(expected).transpose()?;
    match ask(at, Request::AuditVerify { expect: expect.clone() }).await? {
        Reply::AuditEnd { number, link } => {
            if let Some((number, _)) = expect {
                println!("line {number} is as expected");
            }
            println!("the trail is whole; its last line is\n{number}:{link}");
            Ok(ExitCode::SUCCESS)
        }
        Reply::Failed(why) => Err(why),
        _ => Err(unexpected()),
    }
}

/// `NUMBER:LINK`.
fn expected(text: &str) -> Result<(u64, String), String> {
    let parsed = text.split_once(':').and_then(|(number, link)| Some((number.parse().ok()?, link.to_owned())));
    let is_link = |link: &String| link.len() == LINK_DIGITS && link.bytes().all(|digit| digit.is_ascii_hexdigit());
    parsed.filter(|(_, link)| is_link(link)).ok_or_else(|| format!("`{text}` is not NUMBER:LINK, as `octroi audit verify` prints it"))
}

/// In portions: neither the server nor we hold more of the trail than one.
async fn export(at: &At, after: u64) -> Result<ExitCode, String> {
    let conversation = Conversation::begin(at).await?;
    let outcome = print_all(&conversation, after).await;
    conversation.end().await;
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn print_all(conversation: &Conversation, mut after: u64) -> Result<(), String> {
    let fail = |e: std::io::Error| format!("cannot print: {e}");
    let mut out = BufWriter::new(std::io::stdout());
    loop {
        let lines = match conversation.ask(Request::AuditLines { after }).await? {
            Reply::AuditLines(lines) => lines,
            Reply::Failed(why) => return Err(why),
            _ => return Err(unexpected()),
        };
        let Some(last) = lines.last() else { return out.flush().map_err(fail) };
        after = last.number;
        for line in &lines {
            let text = serde_json::to_string(line).map_err(|e| e.to_string())?;
            writeln!(out, "{text}").map_err(fail)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_is_a_number_and_a_link() {
        let link = "0a".repeat(32);
        assert_eq!(expected(&format!("7:{link}")), Ok((7, link.clone())));
        for bad in ["", "7", "7:", "7:0a", &format!("x:{link}"), &format!("7:{}g", &link[1..])] {
            assert!(expected(bad).is_err(), "{bad}");
        }
    }
}
