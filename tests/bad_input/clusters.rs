//! Rows in which clusters are looked for.

use std::fmt::Write as _;

use engine::testing::TestHost;
use pipeline::Pipeline;

use crate::{came_through, engine, failure, id, run, with_file};

/// A pipeline that imports a file, looks for clusters, and judges them.
const GROUPING: &str = r#"{
    "millrace": "pipeline", "format": 1, "name": "Bad input", "seed": 1,
    "nodes": {
        "import": { "component": "data.import-file@1" },
        "clusterer": { "component": "learn.CLUSTERER@1", "params": { PARAMS } },
        "train": { "component": "train.train-clustering-model@1" },
        "assign": { "component": "score.assign-data-to-clusters@1" },
        "evaluate": { "component": "evaluate.evaluate-model@1" }
    },
    "edges": {
        "train.clusterer": "clusterer.clusterer", "train.table": "import.table",
        "assign.clustering": "train.clustering", "assign.table": "import.table",
        "evaluate.scored": "assign.table"
    }
}"#;

fn grouping(clusterer: &str, params: &str) -> Pipeline {
    let text = GROUPING.replace("CLUSTERER", clusterer).replace("PARAMS", params);
    pipeline::from_json(&text).unwrap_or_else(|error| panic!("{error}"))
}

/// Every way to look for clusters, with settings that suit few rows.
const CLUSTERERS: &[(&str, &str)] = &[
    ("k-means", r#""k": 2"#),
    ("dbscan", r#""eps": 5.0, "min_samples": 2"#),
    ("hierarchical-clustering", r#""n_clusters": 2"#),
    ("gaussian-mixture", r#""n_components": 2, "covariance": "diagonal""#),
];

#[test]
fn rows_without_clusters_are_refused_with_a_way_out() {
    const FEW: &[u8] = b"x,y\n1,2\n2,1\n";
    const FLAT: &[u8] = b"x,y\n1,7\n2,7\n8,7\n9,7\n";
    let mut long = String::from("x\n");
    (0..20_001).for_each(|row_idx| long += &format!("{}\n", row_idx % 100));
    let gaps = (
        "column \"x\" has 1 missing value, the first in row 2",
        "Fill the gaps or drop the rows with Clean Missing Data before training.",
    );
    let mut differences = String::new();
    let mut check = |what: &str, (clusterer, params): (&str, &str), bytes: &[u8], expected: (&str, &str, &str)| {
        let report = run(&TestHost::default(), &engine(), &with_file(grouping(clusterer, params), "t.csv", bytes));
        let found = failure(&report);
        let said = found.as_ref().map(|(node, said)| (node.as_str(), said.message.as_str(), said.help.as_str()));
        if said != Some(expected) {
            let _ = writeln!(differences, "{what}, {clusterer}: {found:#?}");
        }
    };
    for clusterer in CLUSTERERS {
        check("gaps", *clusterer, b"x,y\n1,2\n,3\n4,5\n", ("train", gaps.0, gaps.1));
        check(
            "infinite values",
            *clusterer,
            b"x,y\n1.5,2\ninf,3\n4.5,5\n",
            (
                "train",
                "column \"x\" has 1 infinite value, the first is inf in row 2",
                "Correct the value in the data, or leave the column out with Select Columns.",
            ),
        );
    }
    let set_to_2 = "Set it to 2 or less, or train on more rows.";
    let few = "the number of clusters is 3, but there are only 2 rows";
    check("too few rows", ("hierarchical-clustering", ""), FEW, ("train", few, set_to_2));
    check("too few rows", ("gaussian-mixture", ""), FEW, ("train", few, set_to_2));
    let alike = "the number of clusters is 3, but there are only 2 distinct rows";
    for clusterer in ["hierarchical-clustering", "gaussian-mixture"] {
        check("rows that are alike", (clusterer, ""), b"x\n1\n2\n1\n2\n", ("train", alike, set_to_2));
    }
    check(
        "too many rows",
        ("hierarchical-clustering", ""),
        long.as_bytes(),
        (
            "train",
            "20001 rows are too many for this method, which keeps the distance of every pair: expected at most 20000",
            "Take up to 20000 of them with Partition and Sample, or use K-Means or DBSCAN, which take any number.",
        ),
    );
    check(
        "no extent",
        ("gaussian-mixture", r#""n_components": 2, "regularization": 0.0"#),
        FLAT,
        (
            "train",
            "cluster 0 has lost its extent: its rows are all alike in some direction",
            "Raise the regularization, ask for fewer clusters, or choose diagonal or spherical covariances.",
        ),
    );
    check(
        "nothing but noise",
        ("dbscan", r#""eps": 0.001"#),
        FLAT,
        (
            "evaluate",
            "every row is noise, so there are no clusters that could be judged",
            "Train with a larger distance of neighbours, or with fewer rows of a dense place.",
        ),
    );
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn constant_and_many_columns_are_no_hindrance_to_looking_for_clusters() {
    let mut wide = (0..10_000).map(|column| format!("x{column},")).collect::<String>() + "z\n";
    for row in 0..12 {
        for column in 0..10_000 {
            let _ = write!(wide, "{},", (row * (column + 3)) % 17);
        }
        wide.push_str("7\n");
    }
    for (clusterer, params) in CLUSTERERS {
        let params = if *clusterer == "dbscan" { r#""eps": 200.0, "min_samples": 2"# } else { *params };
        let pipeline = with_file(grouping(clusterer, params), "wide.csv", wide.as_bytes());
        let report = run(&TestHost::default(), &engine(), &pipeline);
        assert!(came_through(&report), "{clusterer}: {:?}", failure(&report));
        assert!(report.nodes[&id("evaluate")].metrics.values().all(|metric| metric.is_finite()), "{clusterer}");
    }
}
