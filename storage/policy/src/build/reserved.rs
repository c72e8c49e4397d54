//! Reserved actions.

use super::Builder;
use crate::PolicyError;
use crate::raw::RawReserved;
use crate::reserved::Reserved;
use toml::Spanned;

impl Builder<'_> {
    pub(super) fn reserved(&self, name: &Spanned<String>, raw: RawReserved) -> Result<Reserved, PolicyError> {
        self.check_name(name)?;
        if raw.adds_to.is_empty() && raw.sets.is_empty() {
            return Err(self.error(name.span(), "an action is known by `adds_to`, by `sets` or by both"));
        }
        let sets_in = match &raw.sets_in {
            None => None,
            Some(paths) if raw.sets.is_empty() => {
                return Err(self.error(paths.span(), "`in` says where `sets` counts, and there is no `sets`"));
            }
            Some(paths) if paths.as_ref().is_empty() => {
                return Err(self.error(paths.span(), "`sets` would count nowhere: name a path, or leave `in` out"));
            }
            Some(paths) => Some(self.patterns(paths.as_ref())?),
        };
        for keyword in &raw.sets {
            let text = keyword.as_ref().strip_prefix('$').unwrap_or(keyword.as_ref());
            if text.is_empty() || !text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
                return Err(self.error(keyword.span(), format!("`{}` is not a keyword such as \"$Validated\"", keyword.as_ref())));
            }
        }
        Ok(Reserved {
            name: name.as_ref().clone(),
            description: raw.description,
            adds_to: self.patterns(&raw.adds_to)?,
            sets: raw.sets.into_iter().map(Spanned::into_inner).collect(),
            sets_in,
            zones: self.condition_zones(raw.zones.as_ref())?,
            second_factor_within: raw.second_factor_within.map(|within| within.0),
        })
    }
}
