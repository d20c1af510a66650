//! Bytes into parsed things: strict, bounded, believing nothing.

pub mod json;

pub mod certificate;

pub mod crl;

pub mod image;

pub mod label;

pub mod merkle;

pub mod note;
