//! A small pipeline around a component that shows what it is for: made from its ports, complete, and ready to run.

use crate::{
    Catalogue, Edit, Family, InPort, Node, NodeId, OutPort, Params, Pipeline, Point, PortSpec, PortType, Spec, Value,
};

/// Data sets by a keyword of the components that they suit, the first that fits.
const DATA: [(&str, &str); 4] =
    [("number", "diabetes"), ("multiclass", "wine"), ("cluster", "iris"), ("dimension", "wine")];
/// How many learners or models are shown together where more than one may be.
const N_TOGETHER: usize = 2;

/// An example for a component; none where only the user's own data would be one, or where there is no such component.
///
/// What feeds the component comes from a data set that suits it, and what it gives is carried on to where it can be looked
/// at: a learner is trained, scores rows held out, and is evaluated.
pub fn example(catalogue: &Catalogue, component: &str) -> Option<Pipeline> {
    let shown = catalogue.get(component)?;
    if ["data.enter-data", "data.import-file"].contains(&component) {
        return None;
    }
    let pipeline = Pipeline::new(format!("Example: {}", shown.title));
    let mut draft = Draft { pipeline, catalogue, shown, own: None, split: None, train: None, test: None };
    draft.draw()?;
    Some(draft.pipeline)
}

struct Draft<'a> {
    pipeline: Pipeline,
    catalogue: &'a Catalogue,
    /// What the example is of.
    shown: &'a Spec,
    /// Its node.
    own: Option<NodeId>,
    /// Deals the rows to training and test.
    split: Option<NodeId>,
    /// The training rows, if they come from elsewhere.
    train: Option<OutPort>,
    /// The test rows likewise.
    test: Option<OutPort>,
}

impl Draft<'_> {
    fn draw(&mut self) -> Option<()> {
        let shown = self.shown;
        let id = self.add(&shown.id)?;
        self.own = Some(id.clone());
        if shown.id == "split.split-data" {
            self.split = Some(id.clone());
        }
        let mut n_together = 0;
        for port in &shown.inputs {
            let is_several = matches!(port.port_type, PortType::Learner | PortType::Model);
            if port.optional && !(is_several && n_together < N_TOGETHER) {
                continue;
            }
            let from = self.feed(port, n_together)?;
            n_together += usize::from(is_several);
            self.connect(from, &id, &port.name)?;
        }
        self.carry_on(&id)
    }

    /// What an input takes.
    fn feed(&mut self, port: &PortSpec, n_before: usize) -> Option<OutPort> {
        match port.port_type {
            PortType::Table => self.rows_for(port),
            PortType::Learner => self.learner(n_before),
            PortType::Clusterer => self.source("learn.k-means", "clusterer"),
            PortType::Model => {
                let learner = self.learner(n_before)?;
                self.trained(learner)
            }
            PortType::Clustering => {
                let clusterer = self.source("learn.k-means", "clusterer")?;
                let trained = self.clustered(clusterer)?;
                Some(OutPort::new(&trained, "clustering"))
            }
            PortType::Transformation => {
                let id = self.add("transform.normalize-data")?;
                let rows = self.part("train")?;
                self.connect(rows, &id, "table")?;
                if self.shown.inputs.iter().any(|port| port.port_type == PortType::Model) {
                    self.train = Some(OutPort::new(&id, "table"));
                }
                Some(OutPort::new(&id, "transformation"))
            }
            PortType::Evaluation => None,
        }
    }

    fn rows_for(&mut self, port: &PortSpec) -> Option<OutPort> {
        let shown = self.shown;
        let takes = |wanted| shown.inputs.iter().any(|port| port.port_type == wanted);
        let has_fitted = [PortType::Model, PortType::Clustering, PortType::Transformation].map(takes).contains(&true);
        match shown.id.as_str() {
            "score.web-service-output" => self.scored_by(0),
            _ if port.name == "scored" => self.scored_by(0),
            "split.split-data" | "split.partition-and-sample" | "evaluate.cross-validate-model" => self.data(),
            _ if has_fitted || shown.id == "score.web-service-input" => self.part("test"),
            _ => self.part("train"),
        }
    }

    /// A learner that goes with the component; where several are shown together, each is another.
    fn learner(&mut self, n_before: usize) -> Option<OutPort> {
        let shown = self.shown;
        let is_about = |keyword: &str| shown.keywords.iter().any(|known| known == keyword);
        let component = match shown.id.as_str() {
            _ if is_about("anomaly") => "learn.isolation-forest",
            // It learns from gaps and categories as they are.
            _ if is_about("interpret") => "learn.boosted-decision-tree",
            "train.tune-model-hyperparameters" => "learn.logistic-regression",
            "learn.calibrated-probabilities" => "learn.naive-bayes",
            _ => ["learn.logistic-regression", "learn.decision-forest", "learn.naive-bayes"].get(n_before)?,
        };
        let learner = self.source(component, "learner")?;
        if shown.id == "train.tune-model-hyperparameters" {
            self.set(&learner.node, "trainer_mode", Value::Text("range".into()))?;
        }
        Some(learner)
    }

    /// Carries what the component gives on to where it can be looked at.
    fn carry_on(&mut self, id: &NodeId) -> Option<()> {
        let shown = self.shown;
        let gives = |wanted| shown.outputs.iter().find(|port| port.port_type == wanted);
        let out = |port: &PortSpec| OutPort::new(id, &port.name);
        let scored = if let Some(learner) = gives(PortType::Learner) {
            let model = self.trained(out(learner))?;
            self.scored(model)?
        } else if let Some(model) = gives(PortType::Model) {
            self.scored(out(model))?
        } else if let Some(clusterer) = gives(PortType::Clusterer) {
            OutPort::new(&self.clustered(out(clusterer))?, "table")
        } else if gives(PortType::Transformation).is_some() {
            let applied = self.add("transform.apply-transformation")?;
            let rows = self.part("test")?;
            self.connect(OutPort::new(id, "transformation"), &applied, "transformation")?;
            return self.connect(rows, &applied, "table");
        } else if shown.id == "score.web-service-input" {
            self.test = Some(OutPort::new(id, "table"));
            self.scored_by(0)?
        } else if shown.family == Family::Data || shown.id == "split.split-data" {
            self.scored_by(1)?
        } else if shown.family == Family::Score {
            out(shown.outputs.last()?)
        } else {
            return Some(());
        };
        let evaluation = self.add("evaluate.evaluate-model")?;
        self.connect(scored, &evaluation, "scored")
    }

    /// All rows.
    fn data(&mut self) -> Option<OutPort> {
        let shown = self.shown;
        if shown.family == Family::Data {
            return self.own.as_ref().map(|own| OutPort::new(own, "table"));
        }
        let is_about = |keyword: &str| shown.keywords.iter().any(|known| known == keyword);
        let suits = DATA.iter().find(|(keyword, _)| is_about(keyword)).map(|(_, name)| *name);
        let (component, param, value) = match suits {
            Some(name) => ("data.sample-datasets", "dataset", name),
            // It has gaps and categories.
            None if shown.id.starts_with("transform.") || is_about("interpret") => {
                ("data.generate-data", "shape", "churn")
            }
            None => ("data.sample-datasets", "dataset", "breast-cancer"),
        };
        let table = self.source(component, "table")?;
        self.set(&table.node, param, Value::Text(value.into()))?;
        Some(table)
    }

    /// The rows for training, or those for the test.
    fn part(&mut self, which: &str) -> Option<OutPort> {
        let elsewhere = if which == "train" { &self.train } else { &self.test };
        if let Some(rows) = elsewhere {
            return Some(rows.clone());
        }
        if self.split.is_none() {
            let rows = self.data()?;
            let id = self.add("split.split-data")?;
            self.connect(rows, &id, "table")?;
            self.split = Some(id);
        }
        self.split.as_ref().map(|split| OutPort::new(split, which))
    }

    fn trained(&mut self, learner: OutPort) -> Option<OutPort> {
        let is_anomaly = self.shown.keywords.iter().any(|keyword| keyword == "anomaly");
        let id = self.add(if is_anomaly { "train.train-anomaly-detection-model" } else { "train.train-model" })?;
        self.connect(learner, &id, "learner")?;
        let rows = self.part("train")?;
        self.connect(rows, &id, "table")?;
        Some(OutPort::new(&id, "model"))
    }

    fn clustered(&mut self, clusterer: OutPort) -> Option<NodeId> {
        let id = self.add("train.train-clustering-model")?;
        self.connect(clusterer, &id, "clusterer")?;
        let rows = self.part("train")?;
        self.connect(rows, &id, "table")?;
        Some(id)
    }

    fn scored(&mut self, model: OutPort) -> Option<OutPort> {
        let id = self.add("score.score-model")?;
        self.connect(model, &id, "model")?;
        let rows = self.part("test")?;
        self.connect(rows, &id, "table")?;
        Some(OutPort::new(&id, "scored"))
    }

    fn scored_by(&mut self, n_before: usize) -> Option<OutPort> {
        let learner = self.learner(n_before)?;
        let model = self.trained(learner)?;
        self.scored(model)
    }

    fn source(&mut self, component: &str, output: &str) -> Option<OutPort> {
        self.add(component).map(|id| OutPort::new(&id, output))
    }

    fn add(&mut self, component: &str) -> Option<NodeId> {
        let version = self.catalogue.get(component)?.version;
        let id = self.pipeline.free_id(component);
        let (title, params, position) = (None, Params::new(), Point::default());
        let node = Node { component: component.into(), version, title, params, position };
        self.apply(Edit::AddNode(id.clone(), node))?;
        Some(id)
    }

    fn connect(&mut self, from: OutPort, node: &NodeId, input: &str) -> Option<()> {
        self.apply(Edit::Connect(from, InPort::new(node, input)))
    }

    fn set(&mut self, node: &NodeId, param: &str, value: Value) -> Option<()> {
        self.apply(Edit::SetParam(node.clone(), param.into(), Some(value)))
    }

    fn apply(&mut self, edit: Edit) -> Option<()> {
        self.pipeline.apply(edit).ok().map(drop)
    }
}
