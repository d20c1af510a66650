//! Labels as scanners type them: ISO/IEC 15434 messages, GS1 element strings and Digital Links, bare text.
//!
//! [`read`] finds the fields and believes none of them; [`Label::unit`] asks whether they are the label of one unit.
//! A text that was damaged on its way is refused with what happened to it; only what [`Rules`] declare is mapped back.
//! `docs/labels.md` lists what is read and what is refused.

mod fault;

mod field;

mod rules;

mod form;

mod application;

mod gs1;

mod digital_link;

mod mangling;

mod envelope;

mod bare;

mod identifiers;

mod unit;

pub use fault::LabelFault;
pub use field::{Field, Symbology, Syntax};
pub use identifiers::meaning;
pub use rules::{BareRule, EndRule, PrefixRule, Rules};
pub use unit::{LabelledUnit, agree};

use crate::values::limits::Limits;
use crate::values::reason::Reason;
use mangling::HEADER;

/// A label that was read. Its fields stand in the order of the label, repeated, empty and unknown ones included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    raw: Vec<u8>,
    symbology: Option<Symbology>,
    syntax: Syntax,
    fields: Vec<Field>,
}

impl Label {
    /// The bytes as they came, prefix and line end included. Two boxes are told apart by more than this: a label can
    /// be printed twice.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The symbol that the scanner says it read, where it says so.
    #[must_use]
    pub fn symbology(&self) -> Option<Symbology> {
        self.symbology
    }

    /// How the label is written.
    #[must_use]
    pub fn syntax(&self) -> Syntax {
        self.syntax
    }

    /// The fields in order.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The one unit that this is the label of. A box of several, and a label without serial, is no unit.
    ///
    /// # Errors
    /// `label-quantity`, `label-two-serials`, `label-no-serial`, `label-field-malformed` (a serial or part number that
    /// none can be) or `label-ambiguous` (two GTINs), in this order; without a byte, as the label as a whole is at fault.
    pub fn unit(&self) -> Result<LabelledUnit, LabelFault> {
        unit::of(self.syntax, &self.fields)
    }
}

/// Reads a label: syntax only.
///
/// One line end (CR, LF, CR LF) or tab after the text is the scanner's and not the label's; everything else counts.
///
/// # Errors
/// A [`LabelFault`] with one of the label reasons, the byte, what was expected and what stands there.
pub fn read(raw: &[u8], rules: &Rules, limits: &Limits) -> Result<Label, LabelFault> {
    rules.check()?;
    let text = text_of(raw, limits)?;
    let (symbology, content) = Symbology::split(text)?;
    let start = text.len() - content.len();
    if content.is_empty() {
        return Err(LabelFault::new(Reason::LabelMissing, start, "a label", "nothing"));
    }
    let (syntax, fields) = contents(symbology, content, rules).map_err(|fault| fault.moved(start))?;
    if fields.len() > limits.label_fields {
        let expected = format!("at most {} fields", limits.label_fields);
        return Err(LabelFault::whole(Reason::LabelTooLong, expected, format!("{} fields", fields.len())));
    }
    Ok(Label { raw: raw.to_vec(), symbology, syntax, fields })
}

/// The text of the label: ASCII, without the scanner's line end.
fn text_of<'a>(raw: &'a [u8], limits: &Limits) -> Result<&'a str, LabelFault> {
    let most = limits.label_bytes;
    if raw.len() > most {
        let found = format!("{} bytes", raw.len());
        return Err(LabelFault::new(Reason::LabelTooLong, most, format!("at most {most} bytes"), found));
    }
    if let Some(offset) = raw.iter().position(|byte| !byte.is_ascii()) {
        let rest = String::from_utf8_lossy(raw.get(offset..).unwrap_or_default());
        let picture = rest.starts_with(|c| ('\u{2400}'..='\u{2421}').contains(&c));
        let reason = if picture { Reason::LabelMangled } else { Reason::LabelFieldMalformed };
        return Err(LabelFault::new(reason, offset, "ASCII", rest));
    }
    let text = str::from_utf8(raw).unwrap_or_default();
    let ended = ["\r\n", "\r", "\n", "\t"].iter().find_map(|end| text.strip_suffix(end)).unwrap_or(text);
    if ended.is_empty() {
        return Err(LabelFault::whole(Reason::LabelMissing, "a label", "nothing"));
    }
    Ok(ended)
}

/// The syntax by what the text begins with, and its fields. A prefix that cannot carry such a text is refused.
fn contents(symbology: Option<Symbology>, text: &str, rules: &Rules) -> Result<(Syntax, Vec<Field>), LabelFault> {
    let gs1_symbol = symbology.is_some_and(Symbology::is_gs1);
    let prefix = symbology.map_or("", Symbology::prefix);
    if let Some(message) = text.strip_prefix(HEADER) {
        if gs1_symbol {
            let found = "an ISO/IEC 15434 message";
            return Err(LabelFault::new(
                Reason::LabelHeaderWrong,
                0,
                format!("GS1 element strings after {prefix}"),
                found,
            ));
        }
        let mapped = rules.map(message).map_err(|fault| fault.moved(HEADER.len()))?;
        return envelope::fields(mapped.text(), rules)
            .map_err(|fault| mapped.typed(fault, message.len()).moved(HEADER.len()));
    }
    if digital_link::is_uri(text) {
        if gs1_symbol || symbology == Some(Symbology::Code128) {
            let expected = format!("no web address after {prefix}");
            return Err(LabelFault::new(Reason::LabelHeaderWrong, 0, expected, text));
        }
        return Ok((Syntax::Gs1DigitalLink, digital_link::fields(text)?));
    }
    if gs1_symbol || (symbology.is_none() && rules.gs1_prefix == PrefixRule::MayBeMissing) {
        let mapped = rules.map(text)?;
        let fields = gs1::fields(mapped.text()).map_err(|fault| mapped.typed(fault, text.len()))?;
        return Ok((Syntax::Gs1, fields));
    }
    mangling::refuse_damaged(text)?;
    Ok((Syntax::Bare, bare::fields(text, rules)?))
}

#[cfg(test)]
mod examples;
