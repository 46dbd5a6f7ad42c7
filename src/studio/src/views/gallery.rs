//! The questions on the start page.

use super::thumbnail::Outcome;

/// What kind of answer a question asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One of two.
    YesOrNo,
    /// One of several.
    Class,
    /// A number.
    Number,
    /// Groups nobody named.
    Groups,
}

/// One card of the gallery.
pub struct Question {
    /// The question.
    pub title: &'static str,
    /// What there is to see.
    pub text: &'static str,
    /// The data set.
    pub data: &'static str,
    /// Its rows and columns.
    pub size: &'static str,
    /// What kind of answer it asks for.
    pub kind: Kind,
    /// What its thumbnail ends in.
    pub outcome: Outcome,
    /// The pipeline.
    pub json: &'static str,
}

/// In the order in which they are shown.
pub const GALLERY: &[Question] = &[
    Question {
        title: "Who leaves?",
        text: "A forest against a formula, side by side",
        data: "Customers, synthetic",
        size: "3,000 × 14",
        kind: Kind::YesOrNo,
        outcome: Outcome::Curve,
        json: include_str!("../../../../public/gallery/churn.json"),
    },
    Question {
        title: "Which iris is it?",
        text: "A tree of questions tells three flowers apart",
        data: "Iris flowers",
        size: "150 × 5",
        kind: Kind::Class,
        outcome: Outcome::Matrix,
        json: include_str!("../../../../public/gallery/iris.json"),
    },
    Question {
        title: "How will the diabetes go?",
        text: "A straight law and what it misses",
        data: "Diabetes",
        size: "442 × 11",
        kind: Kind::Number,
        outcome: Outcome::Line,
        json: include_str!("../../../../public/gallery/diabetes.json"),
    },
    Question {
        title: "Is the tumour malignant?",
        text: "Scaled on training rows, tested on others",
        data: "Breast cancer",
        size: "569 × 31",
        kind: Kind::YesOrNo,
        outcome: Outcome::Curve,
        json: include_str!("../../../../public/gallery/tumour.json"),
    },
    Question {
        title: "Which digit is this?",
        text: "A hundred trees look at 64 pixels",
        data: "Handwritten digits",
        size: "1,797 × 65",
        kind: Kind::Class,
        outcome: Outcome::Matrix,
        json: include_str!("../../../../public/gallery/digits.json"),
    },
    Question {
        title: "Which points belong together?",
        text: "Groups that nobody has named",
        data: "Blobs, generated",
        size: "400 × 3",
        kind: Kind::Groups,
        outcome: Outcome::Clusters,
        json: include_str!("../../../../public/gallery/blobs.json"),
    },
    Question {
        title: "Can a straight line split the moons?",
        text: "Where a line fails and a forest does not",
        data: "Two moons, generated",
        size: "500 × 3",
        kind: Kind::YesOrNo,
        outcome: Outcome::Curve,
        json: include_str!("../../../../public/gallery/moons.json"),
    },
    Question {
        title: "Better than guessing?",
        text: "What a model has to beat before it counts",
        data: "Wine",
        size: "178 × 14",
        kind: Kind::Class,
        outcome: Outcome::Bars,
        json: include_str!("../../../../public/gallery/baseline.json"),
    },
];
