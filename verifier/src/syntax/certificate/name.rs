//! Distinguished names: one form to show, one to compare.

use core::fmt::Write as _;
use x509_parser::prelude::{AttributeTypeAndValue, X509Name};

/// The subject or issuer of a certificate or CRL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// Like RFC 4514, safe to show: what is neither a letter, a digit nor plain punctuation is escaped.
    pub(crate) text: String,
    /// Equal for names that RFC 5280 section 7.1 calls equal as far as certificates use them: case and runs of
    /// blanks do not count.
    pub(crate) key: Vec<u8>,
}

impl Name {
    pub(crate) fn read(name: &X509Name<'_>) -> Self {
        let mut parts: Vec<String> = Vec::new();
        let mut key = Vec::new();
        for rdn in name.iter() {
            let attributes: Vec<String> = rdn.iter().map(shown).collect();
            parts.push(attributes.join("+"));
            for attribute in rdn.iter() {
                let value = compared(attribute);
                let oid = attribute.attr_type().as_bytes();
                for field in [oid, &value] {
                    key.extend_from_slice(&(field.len() as u64).to_be_bytes());
                    key.extend_from_slice(field);
                }
            }
            key.push(0xff);
        }
        parts.reverse();
        Self { text: parts.join(","), key }
    }
}

fn shown(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    let kind = match oid.as_str() {
        "2.5.4.3" => "CN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "STREET",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        other => other,
    };
    match attribute.as_str() {
        Ok(value) => format!("{kind}={}", escaped(value)),
        Err(_) => format!("{kind}=#{}", crate::values::digest::hex::encode(attribute.as_slice())),
    }
}

/// RFC 4514 section 2.4; every other character that is neither a letter, a digit nor printable ASCII becomes the hex
/// pairs of its UTF-8, so that no certificate can write to a terminal.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (at, character) in value.chars().enumerate() {
        let outer_space = character == ' ' && (at == 0 || at == last);
        if matches!(character, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=')
            || (character == '#' && at == 0)
            || outer_space
        {
            out.push('\\');
            out.push(character);
        } else if character.is_ascii_graphic() || character == ' ' || character.is_alphanumeric() {
            out.push(character);
        } else {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(out, "\\{byte:02x}");
            }
        }
    }
    out
}

fn compared(attribute: &AttributeTypeAndValue<'_>) -> Vec<u8> {
    match attribute.as_str() {
        Ok(value) => value.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase().into_bytes(),
        Err(_) => attribute.as_slice().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_name_cannot_write_to_a_terminal_or_forge_another_attribute() {
        assert_eq!(escaped("a,CN=b"), "a\\,CN\\=b");
        assert_eq!(escaped("\u{1b}[2J"), "\\1b[2J");
        assert_eq!(escaped("\u{202e}gnp"), "\\e2\\80\\aegnp");
        assert_eq!(escaped(" #Müller "), "\\ #Müller\\ ");
        assert_eq!(escaped("#1"), "\\#1");
    }
}
