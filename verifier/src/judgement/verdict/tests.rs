//! From answers to rulings: no combination reaches an accept without every required answer.

use super::{Ruling, Verdict};
use crate::documents::manifest::assurance::{Firmware, Identity, Minimum};
use crate::documents::policy_text::GateRule;
use crate::documents::question::Question;
use crate::documents::receipt::UnitName;
use crate::inputs::custody::Standing;
use crate::judgement::appraisal::Appraisal;
use crate::judgement::appraisal::answers::{Answer, Answers};
use crate::values::attempt::Environment;
use crate::values::finding::Finding;
use crate::values::reason::Reason;

const IDENTITIES: [Identity; 3] = [Identity::Claimed, Identity::Listed, Identity::DeviceKey];
const FIRMWARES: [Firmware; 4] = [Firmware::NotRead, Firmware::Reported, Firmware::MeasuredUnbound, Firmware::Measured];
const LOWEST: Minimum = Minimum { identity: Identity::Claimed, firmware: Firmware::NotRead };

fn minima() -> impl Iterator<Item = Minimum> {
    IDENTITIES.into_iter().flat_map(|identity| FIRMWARES.map(|firmware| Minimum { identity, firmware }))
}

/// The questions whose answer an accept can do without, where the minimum of their axis is low.
fn optional(minimum: Minimum) -> Vec<Question> {
    let mut questions = Vec::new();
    if minimum.identity == Identity::Claimed {
        questions.extend([Question::ShipmentSigner, Question::Listing, Question::Consignee]);
    }
    if minimum.firmware == Firmware::NotRead {
        questions.push(Question::Firmware);
    }
    if minimum.firmware != Firmware::Measured {
        questions.push(Question::Binding);
    }
    questions
}

/// An appraisal in which every answer is yes.
fn all_yes() -> Appraisal {
    let mut answers = Answers::default();
    for question in Question::ALL {
        answers.pass(question, "yes");
    }
    Appraisal {
        environment: Environment::Trial,
        answers,
        gate: GateRule::Gated,
        unit: UnitName::default(),
        identity: Identity::DeviceKey,
        firmware: Firmware::Measured,
        minimum: LOWEST,
        keys: Vec::new(),
        standing: Standing::New,
        waived: Vec::new(),
        crls: Vec::new(),
        releases: Vec::new(),
    }
}

/// Attack class 57: every question, every way of not being a yes, every minimum.
#[test]
fn attack_57_no_question_without_a_yes_is_an_accept_unless_the_minimum_does_without_it() {
    let yes = all_yes();
    for minimum in minima() {
        for question in Question::ALL {
            let reach = |answer: Answer| {
                let mut appraisal = yes.clone();
                appraisal.minimum = minimum;
                appraisal.answers.answer(question, answer);
                Verdict::reach(&appraisal).ruling()
            };
            assert_eq!(reach(Answer::Pass("again".to_owned())), Ruling::Accept);
            let not_run = reach(Answer::NotRun(Finding::bare(Reason::CheckNotRun)));
            let expected = if optional(minimum).contains(&question) { Ruling::Accept } else { Ruling::HoldPassing };
            assert_eq!(not_run, expected, "{question:?} not run, {minimum:?}");
            for reason in Reason::ALL {
                let failed = reach(Answer::Fail(vec![Finding::bare(*reason)]));
                assert_eq!(failed, Ruling::of(reason.class()), "{question:?} {reason}, {minimum:?}");
                assert_ne!(failed, Ruling::Accept);
            }
            assert_eq!(reach(Answer::Fail(Vec::new())), Ruling::HoldPassing, "{question:?} failed without a finding");
        }
    }
}

/// Attack class 57: a fresh set of answers, and every subset of what an axis can do without.
#[test]
fn attack_57_only_the_subsets_that_the_minimum_does_without_are_accepted() {
    let axis =
        [Question::ShipmentSigner, Question::Listing, Question::Consignee, Question::Firmware, Question::Binding];
    let yes = all_yes();
    for minimum in minima() {
        for mask in 0..1_u32 << axis.len() {
            let missing: Vec<_> = (0..axis.len()).filter(|n| mask & (1 << n) != 0).map(|n| axis[n]).collect();
            let mut appraisal = yes.clone();
            appraisal.minimum = minimum;
            for question in &missing {
                appraisal.answers.answer(*question, Answer::NotRun(Finding::bare(Reason::CheckNotRun)));
            }
            let accepted = Verdict::reach(&appraisal).ruling() == Ruling::Accept;
            assert_eq!(accepted, missing.iter().all(|question| optional(minimum).contains(question)), "{missing:?}");
        }
        let mut unasked = yes.clone();
        (unasked.minimum, unasked.answers) = (minimum, Default::default());
        assert_eq!(Verdict::reach(&unasked).ruling(), Ruling::HoldPassing);
    }
}
