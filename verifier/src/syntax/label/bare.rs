//! Text without identifiers, as a plain Code 128 holds it.

use super::fault::LabelFault;
use super::field::Field;
use super::rules::{BareRule, Rules};
use crate::values::reason::Reason;

/// The whole text as the one field, where the rules say that it is the serial. A leading `S` stays: the serial of
/// `SN12345ABC` is `SN12345ABC`.
pub(super) fn fields(text: &str, rules: &Rules) -> Result<Vec<Field>, LabelFault> {
    match rules.bare {
        BareRule::Refused => {
            let expected = "a label with identifiers (ISO/IEC 15434 or GS1)";
            Err(LabelFault::new(Reason::LabelBareRefused, 0, expected, text))
        }
        BareRule::SerialOnly => Ok(vec![Field { identifier: String::new(), value: text.to_owned() }]),
    }
}
