//! The call, JSON, keys, envelopes: what can be wrong with a file before anybody asks what it says.

use super::{Group, group};

pub(super) const GROUPS: &[Group] = &[
    group! { "The call and its inputs"
        Usage
            "The command was called in a way it does not know."
            "Call it again as its --help says. Nothing was judged and nothing was recorded.";
        InputMissing
            "A file that was named is not there."
            "Name a file that exists, or wait until it has been copied to its end. Nothing was judged.";
        InputNotRegular
            "What was named is a folder, a device or a pipe and not a file."
            "Name the file itself. Nothing was judged.";
        InputUnreadable
            "A file is there but may not be opened or read."
            "IT: give the account that runs the gate the right to read it, or look at the disk. Nothing was judged.";
        InputEmpty
            "A file holds nothing at all."
            "Copy or read it out again. If it is still empty, ask whoever sent it for a new one.";
        InputTooLarge
            "A file, or the number of files, is larger than the gate reads."
            "Look whether the right files were given. If they were, ask the sender to split them; the limit stays.";
        TextNotUtf8
            "A text holds bytes that are no text (UTF-8)."
            "Ask the sender to write it again in UTF-8. Do not convert it here: a signed text would no longer be the signed one.";
    },
    group! { "Strict JSON"
        JsonByteOrderMark
            "A document begins with a byte order mark, which signed documents never have."
            "Ask the sender for the file as it was signed. An editor or a mail program has probably changed it.";
        JsonSyntax
            "A document is not JSON: it breaks off or is misspelt at the place shown."
            "Copy the file again. If the same place is shown, ask the sender for a new file.";
        JsonTrailingData
            "Something stands after the end of a document."
            "Ask the sender for the file as it was signed. Do not cut the rest off.";
        JsonDuplicateKey
            "A document says one thing twice, so two readers could read it in two ways."
            "Ask the maker of the document to write each field once and to sign it again.";
        JsonCaseVariantKey
            "A document has two fields whose names differ in capital letters only."
            "Ask the maker of the document to remove one of them and to sign it again.";
        JsonNumber
            "A document holds a number in a form that programs read differently."
            "Ask the maker of the document for whole numbers below 2^53 without exponent, and to sign it again.";
        JsonTooDeep
            "A document is nested deeper than any genuine one."
            "Treat the file as hostile until its sender has explained it. Ask for the file as it was signed.";
        JsonTooLarge
            "A document holds more values than any genuine one."
            "Look whether it is the right file. Ask the sender to split a delivery into several lists.";
        JsonUnknownField
            "A document has a field that this version of the gate does not know."
            "Ask the sender for a document of version v1. IT: look whether a newer version of the gate reads the field.";
        JsonMissingField
            "A document lacks a field that it must have."
            "Ask the maker of the document to add the field shown and to sign it again.";
        JsonWrongType
            "A field of a document holds another kind of value than it should."
            "Ask the maker of the document to write the field as docs/formats.md says and to sign it again.";
        JsonValue
            "A field of a document holds a value that is not allowed there."
            "Ask the maker of the document to correct the field shown and to sign it again.";
    },
    group! { "Keys and signatures"
        KeyMalformed
            "A public key is not in its one correct form."
            "Ask the owner of the key for it as DER or PEM SubjectPublicKeyInfo, exported by a current tool.";
        KeyUnsupported
            "A key is of a kind that the gate does not take."
            "Ask the signer to use Ed25519, ECDSA P-256, ECDSA P-384 or RSA. Documents signed with the other key stay refused.";
        KeyTooWeak
            "A key is too weak to prove anything."
            "Ask the signer for a new key (RSA of 2,048 to 8,192 bits with exponent 65,537 or more, or a curve key) and new signatures.";
        KeyPubliclyKnown
            "The secret half of a key has been published: anybody can sign with it."
            "Do not use anything that this key signed. Tell the manufacturer: a sample key was left in production.";
        AlgorithmNotForKey
            "A signature was made by a method that does not belong to its key."
            "Ask the signer to sign again with the method of the key's own kind.";
        SignatureMalformed
            "A signature is damaged or not in its one correct form."
            "Copy the file again. If it is still refused, ask the signer for the file as it was signed.";
        SignatureInvalid
            "A signature does not fit: the document was changed, or somebody else signed it."
            "Ask the signer, on a way you trust, for the document as it was signed. Keep this one as evidence.";
        SignatureRepeated
            "The same signature stands twice in one document."
            "Ask the signer for the document with each signature once. Keep this one as evidence.";
        PrivateKeyMalformed
            "A file that should hold one private key holds something else."
            "Name the PEM file with the one private key (PKCS#8, or SEC1 for P-256) and nothing else in it.";
        PrivateKeyEncrypted
            "A private key is locked with a password, and there is nobody here to ask for it."
            "Decrypt it to a file that only you can read, or sign on the machine where it may be open.";
        PrivateKeyUnsupported
            "A private key is of a kind that documents are not signed with."
            "Sign with an Ed25519 or a P-256 key whose certificate states the purpose.";
    },
    group! { "Envelopes and statements"
        EnvelopeMalformed
            "A file is not a signed document of the form the gate reads."
            "Look whether the right file was given. If it was, ask the sender for the DSSE envelope as it was signed.";
        EnvelopeSignatureCount
            "A document has more or fewer signatures than its kind must have."
            "Ask the signer for the document as it was signed: a manifest has exactly one signature.";
        PayloadTypeWrong
            "A signed file holds something else than a statement."
            "Ask the signer for an in-toto statement. A good signature over another kind of file proves nothing here.";
        StatementTypeWrong
            "A signed document is of a version or kind that the gate does not read."
            "Ask the signer for an in-toto Statement v1.";
        PredicateTypeWrong
            "A signed document is of another kind than the one needed here."
            "Give the document in its own place, or ask the sender for the kind that is shown as expected.";
        SubjectMismatch
            "A document names one thing in its heading and another in its text."
            "Ask the signer to write the subjects that follow from the content, as docs/formats.md says, and to sign it again.";
        DocumentUnknown
            "A file that came in with the papers is none of the documents that the gate reads."
            "Ask the sender for the signed manifests, certificates and revocation lists themselves, each as a file of its own. Archives are never unpacked.";
    },
];
