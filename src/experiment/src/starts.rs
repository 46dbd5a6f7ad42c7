//! When nodes began, where that was heard from afar.

use crate::order::order;
use crate::record::RunRecord;

impl RunRecord {
    /// Moves beginnings that were heard late to where they fit.
    ///
    /// A page hears of a node when it has the time to listen, so that a beginning may be told later than it was, and
    /// never earlier. A worker computes one node after the other, and none later than the run's end: whatever does not
    /// fit into that is moved forward, as little as possible.
    pub fn settle_starts(&mut self) {
        let computed: Vec<usize> = (0..self.nodes.len()).filter(|&at| self.nodes[at].start_secs.is_some()).collect();
        let start = |record: &Self, at: usize| record.nodes[at].start_secs.unwrap_or_default();
        let in_order: Vec<usize> =
            order(computed.len(), &|a, b| start(self, computed[a]).total_cmp(&start(self, computed[b])))
                .into_iter()
                .map(|at| computed[at])
                .collect();
        let n_workers = in_order.iter().map(|&at| self.nodes[at].worker + 1).max().unwrap_or(0);
        for worker in 0..n_workers {
            let mut latest_end = self.elapsed_secs;
            for &at in in_order.iter().rev() {
                if self.nodes[at].worker != worker {
                    continue;
                }
                let latest = (latest_end - self.nodes[at].elapsed_secs).max(0.0);
                let start = start(self, at).min(latest);
                self.nodes[at].start_secs = Some(start);
                latest_end = start;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use pipeline::NodeId;

    use crate::record::{NodeRun, Outcome, RunRecord};

    /// Starts of nodes, each with its worker, when it was heard to begin and how long it computed.
    fn settled(elapsed_secs: f64, nodes: &[(u32, f64, f64)]) -> Vec<f64> {
        let text = r#"{"millrace":"run","format":1,"id":"a","number":1,"pipeline":"00112233445566778899aabbccddeeff",
            "host":{"browser":{"name":"Firefox 143","n_cores":2}},"started_at":0,"state":"done"}"#;
        let mut run: RunRecord = crate::read_run(text.as_bytes()).unwrap();
        run.elapsed_secs = elapsed_secs;
        for (number, (worker, start_secs, elapsed_secs)) in nodes.iter().enumerate() {
            let mut node = NodeRun::new(NodeId::new(&format!("n{number}")).unwrap());
            (node.outcome, node.worker) = (Outcome::Ran, *worker);
            (node.start_secs, node.elapsed_secs) = (Some(*start_secs), *elapsed_secs);
            run.nodes.push(node);
        }
        run.settle_starts();
        run.nodes.iter().filter_map(|node| node.start_secs).collect()
    }

    #[test]
    fn what_fits_stays_where_it_was_heard() {
        assert_eq!(settled(4.0, &[(0, 0.0, 1.0), (0, 1.5, 1.0), (0, 3.0, 1.0)]), [0.0, 1.5, 3.0]);
    }

    #[test]
    fn what_was_heard_after_the_end_is_moved_before_it_in_its_order() {
        assert_eq!(settled(4.0, &[(0, 0.0, 1.0), (0, 9.0, 1.0), (0, 9.5, 2.0)]), [0.0, 1.0, 2.0]);
    }

    #[test]
    fn workers_do_not_wait_for_each_other() {
        assert_eq!(settled(2.0, &[(0, 0.5, 2.0), (1, 0.5, 1.0)]), [0.0, 0.5]);
    }

    #[test]
    fn times_that_do_not_add_up_do_not_begin_before_the_run() {
        assert_eq!(settled(1.0, &[(0, 0.2, 1.0), (0, 0.4, 1.0)]), [0.0, 0.0]);
    }
}
