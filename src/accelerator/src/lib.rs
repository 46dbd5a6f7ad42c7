//! The GPU, for the engine in a Web Worker: a program of its own, which is loaded when a pipeline asks for it.
//!
//! Errors are sentences without a full stop.
#![cfg(target_family = "wasm")]

use std::rc::Rc;

use futures_channel::{mpsc, oneshot};
use gpu::{Gpu, GpuError};
use js_sys::{Float32Array, Float64Array, Promise, Uint8Array};
use learn::accelerator::{Accelerator, Lost};
use learn::neural::{Plan, Rows, Saved};
use model::Layer;
use serde::Serialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{future_to_promise, spawn_local};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn now_ms() -> f64;
}

/// A GPU that was found.
#[wasm_bindgen]
pub struct Hardware {
    name: String,
    gpu: Rc<Gpu>,
    networks: gpu::Hardware,
}

/// Rows that the GPU keeps. Dropped, they are given up.
#[wasm_bindgen]
pub struct KeptRows(Rc<gpu::KeptRows>);

/// A network that is being trained. Dropped, it is given up.
#[wasm_bindgen]
pub struct Training {
    asked: mpsc::UnboundedSender<Ask>,
}

/// What is asked of a training, and where the answer goes.
enum Ask {
    Steps(Vec<u32>, usize, Answer),
    Loss(Vec<u32>, Answer),
    Layers(Answer),
    LearningRate(f64),
    Save(Answer),
    Restore(Saved),
}

type Answer = oneshot::Sender<Result<JsValue, String>>;

/// The fastest GPU that is here, which is called like this; if that is empty, as its driver says.
///
/// # Errors
/// There is none, or it is refused.
#[wasm_bindgen]
pub async fn find(name: String) -> Result<Hardware, JsValue> {
    let gpu = Rc::new(Gpu::find().await.map_err(|error| JsValue::from_str(&error.to_string()))?);
    let networks = gpu::Hardware::new(Rc::clone(&gpu), now_ms);
    Ok(Hardware { name: if name.is_empty() { networks.name() } else { name }, gpu, networks })
}

#[wasm_bindgen]
impl Hardware {
    /// What it is called.
    #[wasm_bindgen(getter)]
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// Whether it is a program on the CPU.
    #[wasm_bindgen(getter)]
    pub fn is_software(&self) -> bool {
        self.gpu.adapter().is_software
    }

    /// Whether it is gone, or has failed once and is not trusted again.
    #[wasm_bindgen(getter)]
    pub fn is_lost(&self) -> bool {
        self.gpu.is_lost()
    }

    /// `xᵀ x` of numbers that lie row by row.
    ///
    /// # Errors
    /// The promise is broken if the GPU is lost or does not take that much.
    pub fn gram(&self, x: Vec<f32>, n_columns: usize) -> Promise {
        let networks = self.networks.clone();
        future_to_promise(async move {
            match networks.gram(&x, n_columns).await {
                Ok(Some(gram)) => Ok(Float32Array::from(gram.as_slice()).into()),
                Ok(None) => Ok(JsValue::UNDEFINED),
                Err(lost) => Err(JsValue::from_str(&lost.0)),
            }
        })
    }

    /// Keeps rows of `n_columns` numbers.
    ///
    /// # Errors
    /// The promise is broken if the GPU is lost or does not take that much.
    pub fn keep(&self, rows: Vec<f32>, n_columns: usize) -> Promise {
        let networks = self.networks.clone();
        future_to_promise(async move {
            let kept = networks.keep(&rows, n_columns).await;
            kept.map(|kept| KeptRows(Rc::new(kept)).into()).map_err(|error| JsValue::from_str(&error.to_string()))
        })
    }

    /// A training that starts from weights, if this GPU computes such a plan. Plan and weights come encoded, rows as
    /// `learn::neural::Rows` has them.
    ///
    /// # Errors
    /// The promise is broken if the GPU is lost or does not take that much.
    pub fn train(&self, plan: Vec<u8>, inputs: Vec<f32>, targets: Vec<f32>, weights: Vec<f32>) -> Promise {
        let networks = self.networks.clone();
        future_to_promise(async move {
            let (plan, layers): (Plan, Vec<Layer>) =
                postcard::from_bytes(&plan).map_err(|error| JsValue::from_str(&error.to_string()))?;
            let (asked, questions) = mpsc::unbounded();
            let (started, starts) = oneshot::channel();
            let rows = Rows { inputs, targets, weights };
            spawn_local(serve(networks, plan, layers, rows, questions, started));
            match starts.await.unwrap_or_else(|_| Err("the GPU's program broke off".into())) {
                Ok(true) => Ok(Training { asked }.into()),
                Ok(false) => Ok(JsValue::UNDEFINED),
                Err(error) => Err(JsValue::from_str(&error)),
            }
        })
    }
}

/// Trains as it is asked, as long as anybody may ask. First of all it tells whether the plan is computed.
async fn serve(
    networks: gpu::Hardware,
    plan: Plan,
    layers: Vec<Layer>,
    rows: Rows,
    mut questions: mpsc::UnboundedReceiver<Ask>,
    started: oneshot::Sender<Result<bool, String>>,
) {
    let mut backend = match networks.backend(&plan, &layers, &rows, rows.targets.len()).await {
        Ok(Some(backend)) => backend,
        Ok(None) => return drop(started.send(Ok(false))),
        Err(lost) => return drop(started.send(Err(lost.0))),
    };
    // Who no longer waits for an answer does not miss it.
    let _ = started.send(Ok(true));
    while let Ok(ask) = questions.recv().await {
        match ask {
            Ask::Steps(row_idxs, batch_size, answer) => {
                let loss = backend.steps(&row_idxs, batch_size).await.map_err(|lost| lost.0);
                let told = |loss| Float64Array::from(&[loss, backend.steps_at_once() as f64][..]).into();
                let _ = answer.send(loss.map(told));
            }
            Ask::Loss(row_idxs, answer) => {
                let loss = backend.loss(&row_idxs).await.map_err(|lost| lost.0);
                let _ = answer.send(loss.map(JsValue::from_f64));
            }
            Ask::Layers(answer) => {
                let _ = answer.send(encoded(backend.layers().await));
            }
            Ask::LearningRate(rate) => backend.set_learning_rate(rate),
            Ask::Save(answer) => {
                let _ = answer.send(encoded(backend.save().await));
            }
            Ask::Restore(saved) => backend.restore(&saved),
        }
    }
}

fn encoded<T: Serialize>(found: Result<T, Lost>) -> Result<JsValue, String> {
    let bytes = postcard::to_stdvec(&found.map_err(|lost| lost.0)?).map_err(|error| error.to_string())?;
    Ok(Uint8Array::from(bytes.as_slice()).into())
}

#[wasm_bindgen]
impl KeptRows {
    /// Of each row the position of the nearest point, the square of its distance, and that of the next one.
    ///
    /// # Errors
    /// The promise is broken if the GPU is lost or does not take that much.
    pub fn nearest(&self, points: Vec<f32>) -> Promise {
        let rows = Rc::clone(&self.0);
        future_to_promise(async move { numbers(rows.nearest(&points).await) })
    }

    /// Of each point and each group of rows the least square of a distance.
    ///
    /// # Errors
    /// The promise is broken if the GPU is lost or does not take that much.
    pub fn least(&self, points: Vec<f32>) -> Promise {
        let rows = Rc::clone(&self.0);
        future_to_promise(async move { numbers(rows.least(&points).await) })
    }
}

fn numbers(found: Result<Vec<f32>, GpuError>) -> Result<JsValue, JsValue> {
    let numbers = found.map_err(|error| JsValue::from_str(&error.to_string()))?;
    Ok(Float32Array::from(numbers.as_slice()).into())
}

#[wasm_bindgen]
impl Training {
    /// Steps on batches: the sum of the losses, and how many steps are best asked for together next time.
    pub fn steps(&self, row_idxs: Vec<u32>, batch_size: usize) -> Promise {
        self.ask(|answer| Ask::Steps(row_idxs, batch_size, answer))
    }

    /// The losses of rows in sum.
    pub fn loss(&self, row_idxs: Vec<u32>) -> Promise {
        self.ask(|answer| Ask::Loss(row_idxs, answer))
    }

    /// The weights as they are, encoded.
    pub fn layers(&self) -> Promise {
        self.ask(Ask::Layers)
    }

    /// Steps from here on are as long as that.
    pub fn set_learning_rate(&self, rate: f64) {
        let _ = self.asked.unbounded_send(Ask::LearningRate(rate));
    }

    /// All that later steps rest on, encoded.
    pub fn save(&self) -> Promise {
        self.ask(Ask::Save)
    }

    /// Goes on from what was saved.
    ///
    /// # Errors
    /// It does not decode.
    pub fn restore(&self, saved: &[u8]) -> Result<(), JsValue> {
        let saved = postcard::from_bytes(saved).map_err(|error| JsValue::from_str(&error.to_string()))?;
        let _ = self.asked.unbounded_send(Ask::Restore(saved));
        Ok(())
    }

    fn ask(&self, ask: impl FnOnce(Answer) -> Ask) -> Promise {
        let (answer, answered) = oneshot::channel();
        let _ = self.asked.unbounded_send(ask(answer));
        future_to_promise(async move {
            let answer = answered.await.unwrap_or_else(|_| Err("the GPU's program broke off".into()));
            answer.map_err(|error| JsValue::from_str(&error))
        })
    }
}
