//! The tokens of a site, behind the process that its module runs in.

use crate::hsm::{Guarded, HelperStart, Tokens, TrialFolder};
use crate::site::Site;
use crate::surroundings::Surroundings;
use ecugate_verifier::values::finding::Finding;
use std::sync::Arc;
use std::time::Duration;

/// Starts the module of a site with the environment that the site states, and nothing of the caller's.
pub(crate) fn open_tokens(site: &Site, surroundings: &dyn Surroundings) -> Result<Arc<dyn Tokens>, Finding> {
    let environment = TrialFolder::lay_out(site.folder())?.environment();
    let guarded = Guarded::start(HelperStart {
        program: surroundings.helper()?,
        module: site.text().module.clone(),
        environment,
        deadline: Duration::from_secs(site.text().module_seconds.into()),
    })?;
    Ok(Arc::new(guarded))
}
