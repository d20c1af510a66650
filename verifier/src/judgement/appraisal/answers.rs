//! The answers of an appraisal.

use crate::documents::question::Question;
use crate::documents::receipt::{AnswerWord, CheckLine, Ruling};
use crate::values::finding::Finding;
use crate::values::reason::Reason;
use std::collections::BTreeMap;

/// The answer to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes; what was found.
    Pass(String),
    /// No; every finding.
    Fail(Vec<Finding>),
    /// Could not be asked; why. Never counts as passed.
    NotRun(Finding),
}

/// The answers by question. A question without one counts as *not run*. Only an appraisal gives answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers(BTreeMap<Question, Answer>);

impl Answers {
    /// Sets the answer to a question. An answer once given only gets worse: a later pass does not mend it.
    pub(in crate::judgement) fn answer(&mut self, question: Question, answer: Answer) {
        match self.0.get_mut(&question) {
            None => {
                self.0.insert(question, answer);
            }
            Some(Answer::Fail(findings)) => {
                if let Answer::Fail(more) = answer {
                    findings.extend(more);
                }
            }
            Some(Answer::NotRun(known)) => match answer {
                Answer::Pass(_) => {}
                Answer::NotRun(other) if Ruling::of(other.reason.class()) <= Ruling::of(known.reason.class()) => {}
                worse => {
                    self.0.insert(question, worse);
                }
            },
            Some(known @ Answer::Pass(_)) => {
                if !matches!(answer, Answer::Pass(_)) {
                    *known = answer;
                }
            }
        }
    }

    /// Answers yes.
    pub(in crate::judgement) fn pass(&mut self, question: Question, found: impl Into<String>) {
        self.answer(question, Answer::Pass(found.into()));
    }

    /// Answers no.
    pub(in crate::judgement) fn fail(&mut self, question: Question, finding: Finding) {
        self.answer(question, Answer::Fail(vec![finding]));
    }

    /// Says that the question could not be asked for want of something.
    pub(in crate::judgement) fn not_run(&mut self, question: Question, wanting: &str) {
        let finding = Finding::new(Reason::CheckNotRun, question.word(), wanting, "none");
        self.answer(question, Answer::NotRun(finding));
    }

    /// The answer to `question`.
    #[must_use]
    pub fn of(&self, question: Question) -> Answer {
        self.0
            .get(&question)
            .cloned()
            .unwrap_or_else(|| Answer::NotRun(Finding::new(Reason::CheckNotRun, question.word(), "an answer", "none")))
    }

    /// Whether the answer to `question` is yes.
    #[must_use]
    pub fn passed(&self, question: Question) -> bool {
        matches!(self.0.get(&question), Some(Answer::Pass(_)))
    }

    /// Every question with its answer, in order.
    pub fn all(&self) -> impl Iterator<Item = (Question, Answer)> {
        Question::ALL.into_iter().map(|question| (question, self.of(question)))
    }

    /// The same as a receipt writes them down.
    pub fn lines(&self) -> impl Iterator<Item = CheckLine> {
        self.all().map(|(check, answer)| {
            let (answer, found, findings) = match answer {
                Answer::Pass(found) => (AnswerWord::Pass, found, Vec::new()),
                Answer::Fail(findings) => (AnswerWord::Fail, String::new(), findings),
                Answer::NotRun(finding) => (AnswerWord::NotRun, String::new(), vec![finding]),
            };
            CheckLine { check, answer, found, findings }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Answers, Question};
    use crate::values::finding::Finding;
    use crate::values::reason::Reason;

    #[test]
    fn attack_55_a_failure_is_not_mended_by_a_later_pass_and_an_unasked_question_is_not_passed() {
        let mut answers = Answers::default();
        assert!(!answers.passed(Question::Firmware));
        assert!(
            matches!(answers.of(Question::Firmware), Answer::NotRun(finding) if finding.reason == Reason::CheckNotRun)
        );
        answers.fail(Question::Firmware, Finding::bare(Reason::FirmwareDiffers));
        answers.pass(Question::Firmware, "fine");
        answers.not_run(Question::Firmware, "an image");
        assert_eq!(answers.of(Question::Firmware), Answer::Fail(vec![Finding::bare(Reason::FirmwareDiffers)]));
        answers.not_run(Question::Binding, "an image");
        answers.pass(Question::Binding, "fine");
        assert!(!answers.passed(Question::Binding));
        // of two things that are missing the worse one is told, whichever came first
        let absent = Answer::NotRun(Finding::bare(Reason::ReleaseAbsent));
        answers.answer(Question::Binding, absent.clone());
        assert_eq!(answers.of(Question::Binding), absent);
        answers.not_run(Question::Binding, "an image");
        assert_eq!(answers.of(Question::Binding), absent);
    }
}
