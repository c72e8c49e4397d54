//! Objects of a collection in groups that are read together. Called by the reports that look into many.

use octroi_gate::{Member, MemberIs, fitting};
use octroi_model::{Item, Uid};

/// One that is to be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    uid: Uid,
    bytes: u64,
}

impl Candidate {
    /// Of an object; collections have nothing to be read.
    pub(crate) fn of(member: &Member) -> Option<Self> {
        match &member.is {
            MemberIs::Item(item) => Some(Self::from(item)),
            MemberIs::Folder(_) => None,
        }
    }
}

impl From<&Item> for Candidate {
    fn from(item: &Item) -> Self {
        Self { uid: item.uid, bytes: item.bytes() }
    }
}

/// In their order, so many together as have a mebibyte.
pub(crate) fn batches(candidates: &[Candidate]) -> impl Iterator<Item = Vec<Uid>> + '_ {
    let mut left = candidates;
    std::iter::from_fn(move || {
        let (group, rest) = left.split_at(fitting(left.iter().map(|one| one.bytes)));
        left = rest;
        (!group.is_empty()).then(|| group.iter().map(|one| one.uid).collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use octroi_gate::READ_BYTES_MAX;

    #[test]
    fn all_come_in_their_order_and_a_large_one_alone() {
        let sizes = [10, READ_BYTES_MAX - 10, 1, 5 * READ_BYTES_MAX, 0, 3];
        let candidates: Vec<Candidate> = sizes.iter().zip(1..).map(|(bytes, uid)| Candidate { uid: Uid(uid), bytes: *bytes }).collect();
        let groups: Vec<Vec<u32>> = batches(&candidates).map(|group| group.iter().map(|uid| uid.0).collect()).collect();
        assert_eq!(groups, [vec![1, 2], vec![3], vec![4], vec![5, 6]]);
        let many: Vec<Candidate> = (0..600).map(|uid| Candidate { uid: Uid(uid), bytes: 1 }).collect();
        assert_eq!(batches(&many).map(|group| group.len()).collect::<Vec<_>>(), [256, 256, 88]);
        assert_eq!(batches(&[]).count(), 0);
    }
}
