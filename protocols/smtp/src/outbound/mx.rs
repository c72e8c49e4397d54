//! Which hosts take the mail of a domain, and in which order (RFC 5321 section 5.1, RFC 7505). Pure.

/// One MX record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exchange {
    pub(crate) preference: u16,
    /// As in DNS; with or without the dot at its end.
    pub(crate) host: String,
}

/// Where the mail of a domain goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Exchanges {
    /// To these, the first that can be reached.
    Hosts(Vec<String>),
    /// Nowhere: the domain says that it takes none.
    Null,
    /// To us, but we do not know the domain.
    Ourselves,
}

/// Put a domain's MX records in order. `own` is our host name; `chance` shuffles hosts of the same preference.
pub(crate) fn order(mut records: Vec<Exchange>, domain: &str, own: &str, chance: u64) -> Exchanges {
    // RFC 5321 section 5.1: without any MX record the domain itself is the host, with preference 0.
    if records.is_empty() {
        return if same(domain, own) { Exchanges::Ourselves } else { Exchanges::Hosts(vec![name(domain)]) };
    }
    // RFC 7505 section 3: a null MX stands alone; one that does not names no host all the same.
    records.retain(|record| !name(&record.host).is_empty());
    if records.is_empty() {
        return Exchanges::Null;
    }
    // RFC 5321 section 5.1: where we stand in the list ourselves, only what is better than us keeps mail from circling.
    if let Some(ours) = records.iter().filter(|record| same(&record.host, own)).map(|record| record.preference).min() {
        records.retain(|record| record.preference < ours);
    }
    if records.is_empty() {
        return Exchanges::Ourselves;
    }
    // RFC 5321 section 5.1: the order of equal ones must be left to chance, to spread the load.
    let mut seed = chance;
    let mut keyed: Vec<(u16, u64, String)> = Vec::with_capacity(records.len());
    for record in records {
        seed = mixed(seed);
        keyed.push((record.preference, seed, name(&record.host)));
    }
    keyed.sort();
    let mut hosts: Vec<String> = Vec::with_capacity(keyed.len());
    for (_, _, host) in keyed {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    Exchanges::Hosts(hosts)
}

/// Without the final dot, in lower case.
fn name(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

fn same(a: &str, b: &str) -> bool {
    name(a) == name(b)
}

/// The next number of a sequence that looks like chance (splitmix64).
fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn ordered(records: &[(u16, &str)]) -> Exchanges {
        let records = records.iter().map(|&(preference, host)| Exchange { preference, host: host.to_owned() }).collect();
        order(records, "b.example", "mail.a.example", 7)
    }

    fn hosts(names: &[&str]) -> Exchanges {
        Exchanges::Hosts(names.iter().map(|&name| name.to_owned()).collect())
    }

    #[test]
    fn the_lower_preference_comes_first() {
        assert_eq!(ordered(&[(20, "two."), (10, "One."), (30, "three")]), hosts(&["one", "two", "three"]));
        assert_eq!(ordered(&[(20, "x."), (10, "x.")]), hosts(&["x"]));
    }

    #[test]
    fn without_mx_the_domain_is_its_host() {
        assert_eq!(ordered(&[]), hosts(&["b.example"]));
        assert_eq!(order(Vec::new(), "Mail.A.example", "mail.a.example", 0), Exchanges::Ourselves);
    }

    #[test]
    fn a_null_mx_takes_nothing_unless_there_are_others() {
        assert_eq!(ordered(&[(0, ".")]), Exchanges::Null);
        assert_eq!(ordered(&[(0, ""), (0, ".")]), Exchanges::Null);
        assert_eq!(ordered(&[(0, "."), (10, "one.")]), hosts(&["one"]));
    }

    #[test]
    fn mail_does_not_circle() {
        assert_eq!(ordered(&[(10, "one."), (20, "MAIL.a.example."), (20, "two."), (30, "three.")]), hosts(&["one"]));
        assert_eq!(ordered(&[(10, "mail.a.example."), (20, "two.")]), Exchanges::Ourselves);
    }

    #[test]
    fn equal_ones_take_turns() {
        let records = || ["a", "b", "c"].map(|host| Exchange { preference: 5, host: host.to_owned() }).to_vec();
        let firsts: HashSet<String> = (0..100)
            .map(|chance| match order(records(), "d", "own", chance) {
                Exchanges::Hosts(hosts) => {
                    assert_eq!(hosts.len(), 3);
                    hosts[0].clone()
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(firsts.len(), 3);
    }
}
