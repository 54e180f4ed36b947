//! Does the reader's schema accept what the writer's accepted? All differences between the two, in
//! Confluent's order and under its names. Source: Confluent's `SchemaDiff` and its parts.
//!
//! Pairs of schemas are judged once and remembered; who needs a pair that is not judged yet is
//! asked again when it is, so that depth costs heap and not stack. A pair that is being judged
//! counts as compatible; if it turns out not to be, everything is judged again with that known,
//! until nothing changes. The work is counted in steps and bounded by [`STEPS_MAX`].

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::difference::DifferenceType;
use super::fix;
use super::judge::judge;
use super::members::Members;
use super::node::{NodeId, PlaceId};
use super::pattern::Patterns;
use super::{Policy, Schema};
use crate::Side;
use crate::budget::{Budget, LISTED_BYTES_MAX, LISTED_MAX, Limits, Listed};

/// Steps of one check: about a second of a slow machine, and about 100 MiB.
const STEPS_MAX: u64 = 20_000_000;

/// Steps that a pair costs when it is first asked for, most of all for the memory that it takes.
const PAIR_STEPS: usize = 16;

/// What a pair takes that was judged, or is being judged, and a finding, but for its path.
const PAIR_BYTES: usize = 160;
const FINDING_BYTES: usize = 64;

/// The schemas are too large or too entangled to be compared within the bound on work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooComplex;

impl fmt::Display for TooComplex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the schemas are too complex to be compared")
    }
}

impl std::error::Error for TooComplex {}

/// One difference between two schemas, which may be a compatible one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incompatibility {
    kind: DifferenceType,
    path: String,
    reader_pointer: String,
    writer_pointer: String,
}

impl Incompatibility {
    pub fn kind(&self) -> DifferenceType {
        self.kind
    }

    /// The name of the difference: `"REQUIRED_ATTRIBUTE_ADDED"`.
    pub fn rule(&self) -> &'static str {
        self.kind.name()
    }

    /// Where it is, as a registry prints it: `"#/properties/foo"`. It is no JSON pointer: names
    /// are not escaped, and `required` is followed by a name.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The difference as a registry prints it in verbose answers, the odd quote at its end
    /// included. The words say which of the two is the `new` schema and which the `old`.
    pub fn describe(&self, reader_word: &str, writer_word: &str) -> String {
        let sentence = self.kind.template().sentence(&self.path, reader_word, writer_word);
        format!("{{errorType:\"{}\", description:\"{sentence}'}}", self.rule())
    }

    /// A JSON pointer into the reader's document: the place, or the nearest that exists there.
    pub fn reader_pointer(&self) -> &str {
        &self.reader_pointer
    }

    /// A JSON pointer into the writer's document: the place, or the nearest that exists there.
    pub fn writer_pointer(&self) -> &str {
        &self.writer_pointer
    }

    /// What the author of the submitted schema can do; the other one is not theirs to change.
    pub fn fix(&self, submitted: Side) -> String {
        fix::sentence(self.kind, &self.path, submitted)
    }
}

/// All differences that keep `reader` from accepting what `writer` accepted, as many as are listed;
/// none if it does.
pub fn compatibility(
    reader: &Schema,
    writer: &Schema,
    policy: Policy,
) -> Result<Vec<Incompatibility>, TooComplex> {
    let budget = Budget::new(Limits { steps: STEPS_MAX, ..Limits::default() });
    let found = compatibility_within(reader, writer, policy, &budget);
    if budget.is_over() { Err(TooComplex) } else { Ok(found.items) }
}

/// As `compatibility` does, within a budget, and how many are not listed. Once the budget is used up there is no
/// verdict, whatever is returned.
pub fn compatibility_within(
    reader: &Schema,
    writer: &Schema,
    policy: Policy,
    budget: &Budget,
) -> Listed<Incompatibility> {
    let mut checker = Checker::new(reader, writer, policy, budget);
    let root = checker.run();
    checker.listed(root, true)
}

/// All differences, compatible ones too, as many as are listed.
pub fn differences(
    reader: &Schema,
    writer: &Schema,
    policy: Policy,
) -> Result<Vec<Incompatibility>, TooComplex> {
    let budget = Budget::new(Limits { steps: STEPS_MAX, ..Limits::default() });
    let mut checker = Checker::new(reader, writer, policy, &budget);
    let root = checker.run();
    let found = checker.listed(root, false);
    if budget.is_over() { Err(TooComplex) } else { Ok(found.items) }
}

/// Two schemas to be compared. Below a `not` they have changed sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pair {
    pub reader: NodeId,
    pub writer: NodeId,
    pub swapped: bool,
}

/// A place in [`Checker::judgements`].
pub(super) type JudgementId = u32;

const ALIKE: JudgementId = 0;
pub(super) const TYPE_CHANGED: JudgementId = 1;

/// What was found about a pair; paths are relative to it.
#[derive(Default)]
pub(super) struct Judgement {
    pub compatible: bool,
    pub findings: Vec<Finding>,
}

pub(super) struct Finding {
    pub path: Box<str>,
    pub what: What,
}

pub(super) enum What {
    Difference(DifferenceType),
    /// All that was found about another pair, which was met through these two schemas.
    Inside(JudgementId, NodeId, NodeId),
}

/// What is known about a pair at this moment.
#[derive(Clone, Copy)]
pub(super) struct Answer {
    pub compatible: bool,
    pub judgement: JudgementId,
}

pub(super) struct Checker<'s> {
    pub reader: &'s Schema,
    pub writer: &'s Schema,
    pub policy: Policy,
    pub patterns: Patterns,
    /// `None` while a pair is being judged.
    memo: HashMap<Pair, Option<JudgementId>>,
    judgements: Vec<Judgement>,
    /// Pairs that the judgement at hand lacks.
    wanted: Vec<Pair>,
    /// Pairs that were taken to be compatible while they were being judged.
    assumed: HashSet<Pair>,
    /// Those of them, in earlier rounds, that were not.
    refuted: HashSet<Pair>,
    budget: &'s Budget,
}

impl<'s> Checker<'s> {
    fn new(
        reader: &'s Schema,
        writer: &'s Schema,
        policy: Policy,
        budget: &'s Budget,
    ) -> Checker<'s> {
        Checker {
            reader,
            writer,
            policy,
            patterns: Patterns::default(),
            memo: HashMap::new(),
            judgements: Vec::new(),
            wanted: Vec::new(),
            assumed: HashSet::new(),
            refuted: HashSet::new(),
            budget,
        }
    }

    /// Nothing that is to be used once the budget is used up.
    fn run(&mut self) -> JudgementId {
        let root = Pair {
            reader: self.reader.end(NodeId(0)),
            writer: self.writer.end(NodeId(0)),
            swapped: false,
        };
        loop {
            let judgement = self.round(root);
            let is_wrong = |pair: &&Pair| match self.memo.get(pair) {
                Some(Some(id)) => !self.judgements[*id as usize].compatible,
                _ => false,
            };
            let wrong: Vec<Pair> = self.assumed.iter().filter(is_wrong).copied().collect();
            if wrong.is_empty() || self.is_exhausted() {
                return judgement;
            }
            self.refuted.extend(wrong);
        }
    }

    /// Judges `root` and all that it needs.
    fn round(&mut self, root: Pair) -> JudgementId {
        self.memo.clear();
        self.assumed.clear();
        self.judgements.clear();
        self.judgements.push(Judgement { compatible: true, findings: Vec::new() });
        let changed = What::Difference(DifferenceType::TypeChanged);
        let finding = Finding { path: "".into(), what: changed };
        self.judgements.push(Judgement { compatible: false, findings: vec![finding] });
        let mut stack = vec![root];
        while let Some(pair) = stack.last().copied() {
            if let Some(Some(_)) = self.memo.get(&pair) {
                stack.pop();
                continue;
            }
            self.memo.insert(pair, None);
            let judgement = judge(self, pair);
            if self.is_exhausted() {
                return ALIKE;
            }
            if !self.wanted.is_empty() {
                stack.append(&mut self.wanted);
                continue;
            }
            let id = self.keep(judgement);
            self.memo.insert(pair, Some(id));
            stack.pop();
        }
        self.memo[&root].expect("the stack is empty when its first pair is judged")
    }

    fn keep(&mut self, judgement: Judgement) -> JudgementId {
        if judgement.compatible && judgement.findings.is_empty() {
            return ALIKE;
        }
        let bytes = judgement.findings.iter().map(|finding| FINDING_BYTES + finding.path.len());
        self.budget.hold(bytes.sum());
        let id = u32::try_from(self.judgements.len()).expect("steps bound the judgements");
        self.judgements.push(judgement);
        id
    }

    /// Counts work; what is done once it is used up does not matter any more.
    pub fn spend(&mut self, steps: usize) {
        self.budget.spend(steps);
    }

    pub fn is_exhausted(&self) -> bool {
        self.budget.is_over()
    }

    /// Whether an expression finds anything in a name.
    pub fn finds(&mut self, pattern: &str, name: &str) -> bool {
        self.patterns.find(pattern, name, self.budget)
    }

    /// Counts memory.
    pub fn hold(&mut self, bytes: usize) {
        self.budget.hold(bytes);
    }

    /// What is known about a pair. One that was never judged is wanted, and counts as
    /// incompatible in a judgement that will be made again.
    pub fn answer(&mut self, pair: Pair) -> Answer {
        match self.memo.get(&pair) {
            Some(Some(id)) => {
                let id = *id;
                Answer { compatible: self.judgements[id as usize].compatible, judgement: id }
            }
            Some(None) => {
                let compatible = !self.refuted.contains(&pair);
                if compatible {
                    self.assumed.insert(pair);
                }
                Answer { compatible, judgement: ALIKE }
            }
            None => {
                self.spend(PAIR_STEPS);
                self.hold(PAIR_BYTES);
                self.wanted.push(pair);
                Answer { compatible: false, judgement: ALIKE }
            }
        }
    }

    /// Whether a judgement has anything to tell.
    pub fn is_silent(&self, id: JudgementId) -> bool {
        self.judgements[id as usize].findings.is_empty()
    }

    /// The differences below a judgement, in order, as many as are listed, one at least.
    fn listed(&self, root: JudgementId, incompatible_only: bool) -> Listed<Incompatibility> {
        let mut found = Vec::new();
        if self.is_exhausted() {
            return Listed { items: found, left_out: 0 };
        }
        let is_wanted =
            |kind: DifferenceType| !incompatible_only || !kind.is_compatible(self.policy);
        let counts = self.counts(incompatible_only, is_wanted);
        let mut bytes = 0;
        let top = (Some(PlaceId(0)), Some(PlaceId(0)));
        let mut path = String::from("#");
        let places = self.nearer((NodeId(0), NodeId(0)), top);
        let mut stack = vec![(root, 0, path.len(), places)];
        let mut members = (Members::default(), Members::default());
        while let Some((id, next, length, places)) = stack.pop() {
            let Some(finding) = self.judgements[id as usize].findings.get(next) else { continue };
            stack.push((id, next + 1, length, places));
            path.truncate(length);
            if !finding.path.is_empty() {
                path.push('/');
                path.push_str(&finding.path);
            }
            match finding.what {
                What::Difference(kind) => {
                    if !is_wanted(kind) {
                        continue;
                    }
                    let one = self.one(kind, &path, &finding.path, places, &mut members);
                    bytes += one.path.len() + one.reader_pointer.len() + one.writer_pointer.len();
                    found.push(one);
                    if found.len() == LISTED_MAX || bytes > LISTED_BYTES_MAX {
                        break;
                    }
                }
                What::Inside(inner, reader, writer) => {
                    let is_silent = incompatible_only && self.judgements[inner as usize].compatible;
                    if is_silent || counts[inner as usize] == 0 {
                        continue;
                    }
                    stack.push((inner, 0, path.len(), self.nearer((reader, writer), places)));
                }
            }
        }
        let left_out = counts[root as usize].saturating_sub(found.len() as u64);
        Listed { items: found, left_out }
    }

    /// How many differences are wanted below each judgement, if they are not too many to be counted.
    /// What a judgement is made of stands before it.
    fn counts(
        &self,
        incompatible_only: bool,
        is_wanted: impl Fn(DifferenceType) -> bool,
    ) -> Vec<u64> {
        let mut counts: Vec<u64> = Vec::with_capacity(self.judgements.len());
        for judgement in &self.judgements {
            let each = judgement.findings.iter().map(|finding| match finding.what {
                What::Difference(kind) => u64::from(is_wanted(kind)),
                What::Inside(inner, ..) => {
                    let is_silent = incompatible_only && self.judgements[inner as usize].compatible;
                    if is_silent { 0 } else { counts[inner as usize] }
                }
            });
            let all = each.fold(0, u64::saturating_add);
            counts.push(all);
        }
        counts
    }

    fn one(
        &self,
        kind: DifferenceType,
        path: &str,
        word: &str,
        places: Places,
        members: &mut (Members<'s>, Members<'s>),
    ) -> Incompatibility {
        Incompatibility {
            kind,
            path: if path == "#" { "#/".into() } else { path.into() },
            reader_pointer: self.reader.pointer(places.0, word, &mut members.0),
            writer_pointer: self.writer.pointer(places.1, word, &mut members.1),
        }
    }

    /// Where two schemas stand in their documents; what is in a reference stands where that is
    /// referred to.
    fn nearer(&self, (reader, writer): (NodeId, NodeId), outer: Places) -> Places {
        let of = |schema: &Schema, id: NodeId, outer| {
            schema.node(schema.end(id)).place.or(schema.node(id).place).or(outer)
        };
        (of(self.reader, reader, outer.0), of(self.writer, writer, outer.1))
    }
}

/// In the reader's document, and in the writer's.
type Places = (Option<PlaceId>, Option<PlaceId>);
