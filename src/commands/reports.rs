//! `octroi reports`, `octroi reports send`.

use crate::admin::client::ask;
use crate::admin::protocol::{Reply, Request};
use crate::cli::{Reports, ReportsCommand};
use crate::commands::operate::finish;
use octroi_model::UnixTime;
use octroi_reports::dmarc::Row;
use octroi_reports::{Counted, Kept, Sessions, Told};
use std::fmt::Write as _;
use std::process::ExitCode;

/// Seconds of a day.
const DAY: i64 = 86_400;

pub(crate) async fn run(arguments: Reports) -> Result<ExitCode, String> {
    if let Some(ReportsCommand::Send { today, at }) = arguments.command {
        return finish(ask(&at, Request::ReportsSend { today }).await?);
    }
    let at = arguments.at.ok_or("name the server with --config or --data")?;
    let since = UnixTime::now().0.saturating_sub(i64::from(arguments.days).saturating_mul(DAY));
    match ask(&at, Request::Reports { domain: arguments.domain, since }).await? {
        Reply::Reports(reports) if arguments.json => {
            for report in reports {
                println!("{}", serde_json::to_string(&report).map_err(|e| e.to_string())?);
            }
            Ok(ExitCode::SUCCESS)
        }
        Reply::Reports(mut reports) => {
            reports.sort_by(|one, other| (one.begin, &one.domain).cmp(&(other.begin, &other.domain)));
            for report in &reports {
                print!("{}", told(report));
            }
            Ok(ExitCode::SUCCESS)
        }
        other => finish(other),
    }
}

/// A report for people: what went wrong stands in capitals.
fn told(report: &Kept) -> String {
    let day = jiff::Timestamp::from_second(report.begin).unwrap_or_default().strftime("%Y-%m-%d").to_string();
    let mut out = match &report.told {
        Told::Dmarc { published, .. } => format!("{day}  mail  {}  by {}  p={}", report.domain, report.organisation, published.p),
        Told::Tls { .. } => format!("{day}  TLS   {}  by {}", report.domain, report.organisation),
    };
    if report.authentic == Some(false) {
        out.push_str("  (nothing proves that it is theirs)");
    }
    out.push('\n');
    match &report.told {
        Told::Dmarc { rows, .. } => rows.iter().for_each(|counted| line(&mut out, counted)),
        Told::Tls { policies } => policies.iter().for_each(|sessions| lines(&mut out, sessions)),
    }
    if report.cut > 0 {
        let _ = writeln!(out, "         and {} lines more", report.cut);
    }
    out
}

fn line(out: &mut String, Counted { count, row }: &Counted) {
    let passed = |passed: bool| if passed { "pass" } else { "FAIL" };
    let Row { source, disposition, dkim_aligned, spf_aligned, header_from, .. } = row;
    let (dkim, spf) = (passed(*dkim_aligned), passed(*spf_aligned));
    let _ = write!(out, "{count:>8} from {source}  DKIM {dkim}  SPF {spf}  {}  as {header_from}", disposition.word());
    for seen in &row.dkim {
        let _ = write!(out, "; {} signed by {}", seen.result, seen.domain);
    }
    if let Some(seen) = &row.spf {
        let _ = write!(out, "; SPF of {} {}", seen.domain, seen.result);
    }
    out.push('\n');
}

fn lines(out: &mut String, sessions: &Sessions) {
    let Sessions { policy, successes, failures, details } = sessions;
    let _ = writeln!(out, "{successes:>8} good, {failures} FAILED under {} of {}", policy.policy_type, policy.policy_domain);
    for one in details {
        let _ = write!(out, "{:>8} {}", one.failed_session_count, one.result_type);
        for (what, text) in [
            ("with", &one.receiving_mx_hostname),
            ("at", &one.receiving_ip),
            ("from", &one.sending_mta_ip),
            ("-", &one.failure_reason_code),
        ] {
            if let Some(text) = text {
                let _ = write!(out, "  {what} {text}");
            }
        }
        out.push('\n');
    }
}
