//! The judgement: all checks of one dossier, and the verdict that follows.

pub mod appraisal;

pub mod verdict;

pub mod judged;

pub mod words;
