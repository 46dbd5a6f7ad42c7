//! The GPU: a program of its own (crate `accelerator`), which is loaded when a run asks for it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Float32Array, Float64Array, Uint8Array};
use learn::Checkpoint;
use learn::accelerator::{Accelerator, Distances, Faster, Lost, Missing, Promised};
use learn::neural::{Backend, Pace, Plan, Rows, Saved, pace};
use model::Layer;
use protocol::{Failure, GpuFound, Networks, Paces};
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;

use crate::scope;

#[wasm_bindgen]
extern "C" {
    /// Of start-worker.js.
    #[wasm_bindgen(catch, js_name = findGpu)]
    async fn find_gpu() -> Result<JsValue, JsValue>;

    type Hardware;
    #[wasm_bindgen(method, getter)]
    fn name(this: &Hardware) -> String;
    #[wasm_bindgen(method, getter)]
    fn is_software(this: &Hardware) -> bool;
    #[wasm_bindgen(method, getter)]
    fn is_lost(this: &Hardware) -> bool;
    #[wasm_bindgen(method, catch)]
    async fn train(
        this: &Hardware,
        plan: &[u8],
        inputs: &[f32],
        targets: &[f32],
        weights: &[f32],
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn gram(this: &Hardware, x: &[f32], n_columns: usize) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    async fn keep(this: &Hardware, rows: &[f32], n_columns: usize) -> Result<JsValue, JsValue>;

    type KeptRows;
    #[wasm_bindgen(method, catch)]
    async fn nearest(this: &KeptRows, points: &[f32]) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    async fn least(this: &KeptRows, points: &[f32]) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method)]
    fn free(this: &KeptRows);

    type Training;
    #[wasm_bindgen(method, catch)]
    async fn steps(this: &Training, row_idxs: &[u32], batch_size: usize) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    async fn loss(this: &Training, row_idxs: &[u32]) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    async fn layers(this: &Training) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method)]
    fn set_learning_rate(this: &Training, rate: f64);
    #[wasm_bindgen(method, catch)]
    async fn save(this: &Training) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn restore(this: &Training, saved: &[u8]) -> Result<(), JsValue>;
    #[wasm_bindgen(method)]
    fn free(this: &Training);
}

/// What was found of the GPU, and when it is asked.
#[derive(Default)]
pub struct Gpu {
    hardware: RefCell<Option<Rc<Hardware>>>,
    measured: Cell<Option<Paces>>,
    accelerator: RefCell<Option<Rc<dyn Accelerator>>>,
}

impl Gpu {
    /// Sees to it that runs are computed as the user has chosen. Where no GPU is found, the CPU computes, and says why if it
    /// was to be the GPU.
    pub async fn prepare(&self, networks: Networks, wanted: &mut impl Checkpoint) {
        *self.accelerator.borrow_mut() = match self.choose(networks, wanted).await {
            Ok(chosen) => chosen,
            Err(lost) if networks == Networks::Gpu => Some(Rc::new(Missing(lost))),
            Err(_) => None,
        };
    }

    async fn choose(
        &self,
        networks: Networks,
        wanted: &mut impl Checkpoint,
    ) -> Result<Option<Rc<dyn Accelerator>>, Lost> {
        let paces = match networks {
            Networks::Cpu => return Ok(None),
            Networks::Gpu => return Ok(Some(Rc::new(Chosen(self.find().await?)))),
            Networks::Faster(Some(paces)) => paces,
            // Where it is the CPU that acts as a GPU, our own loops are faster.
            Networks::Faster(None) if self.find().await?.is_software() => return Ok(None),
            Networks::Faster(None) => match self.measured.get() {
                Some(measured) => measured,
                None => self.paces(wanted).await?,
            },
        };
        let [pace, cpu] =
            [paces.gpu, paces.cpu].map(|protocol::Pace { fixed_secs, product_secs }| Pace { fixed_secs, product_secs });
        Ok(Some(Rc::new(Faster { accelerator: Rc::new(Chosen(self.find().await?)), pace, cpu })))
    }

    /// What computes beside the CPU.
    pub fn accelerator(&self) -> Option<Rc<dyn Accelerator>> {
        self.accelerator.borrow().clone()
    }

    /// Measures the GPU and the CPU.
    ///
    /// # Errors
    /// There is no GPU, or it was lost.
    pub async fn measure(&self, wanted: &mut impl Checkpoint) -> Result<GpuFound, Failure> {
        let failed = |lost: Lost| Failure::new(lost.0, "Networks are trained on the CPU.");
        let paces = self.paces(wanted).await.map_err(failed)?;
        let hardware = self.find().await.map_err(failed)?;
        Ok(GpuFound { name: hardware.name(), is_software: hardware.is_software(), paces })
    }

    async fn paces(&self, wanted: &mut impl Checkpoint) -> Result<Paces, Lost> {
        let gpu = Chosen(self.find().await?);
        let now_secs = || scope().performance().map_or(0.0, |performance| performance.now() / 1_000.0);
        let told = |Pace { fixed_secs, product_secs }| protocol::Pace { fixed_secs, product_secs };
        let cpu = told(pace(None, &now_secs, wanted).await?);
        let paces = Paces { cpu, gpu: told(pace(Some(&gpu), &now_secs, wanted).await?) };
        self.measured.set(Some(paces));
        Ok(paces)
    }

    /// One that was lost is looked for anew.
    async fn find(&self) -> Result<Rc<Hardware>, Lost> {
        let known = self.hardware.borrow().clone();
        if let Some(hardware) = known.filter(|hardware| !hardware.is_lost()) {
            return Ok(hardware);
        }
        let found: Rc<Hardware> = Rc::new(find_gpu().await.map_err(lost)?.unchecked_into());
        *self.hardware.borrow_mut() = Some(Rc::clone(&found));
        Ok(found)
    }
}

/// The GPU, for every plan.
struct Chosen(Rc<Hardware>);

impl Accelerator for Chosen {
    fn name(&self) -> String {
        self.0.name()
    }

    fn backend<'a>(
        &'a self,
        plan: &'a Plan,
        layers: &'a [Layer],
        rows: &'a Rows,
        _batch_size: usize,
    ) -> Promised<'a, Option<Box<dyn Backend + 'a>>> {
        Box::pin(async move {
            let bytes = postcard::to_stdvec(&(plan, layers)).map_err(|error| Lost(error.to_string()))?;
            let training = self.0.train(&bytes, &rows.inputs, &rows.targets, &rows.weights).await.map_err(lost)?;
            Ok((!training.is_undefined()).then(|| {
                let training = training.unchecked_into();
                Box::new(OnGpu { training, n_at_once: 1 }) as Box<dyn Backend>
            }))
        })
    }

    fn gram<'a>(&'a self, x: &'a [f32], n_columns: usize) -> Promised<'a, Option<Vec<f32>>> {
        Box::pin(async move {
            let gram = self.0.gram(x, n_columns).await.map_err(lost)?;
            Ok(gram.dyn_ref().map(Float32Array::to_vec))
        })
    }

    fn distances<'a>(
        &'a self,
        rows: Vec<f32>,
        n_columns: usize,
        _n_points: usize,
    ) -> Promised<'a, Option<Box<dyn Distances + 'a>>> {
        Box::pin(async move {
            let kept = self.0.keep(&rows, n_columns).await.map_err(lost)?;
            Ok(Some(Box::new(There(kept.unchecked_into())) as Box<dyn Distances>))
        })
    }
}

/// Rows that lie there. Dropped, they are given up.
struct There(KeptRows);

impl Drop for There {
    fn drop(&mut self) {
        self.0.free();
    }
}

impl Distances for There {
    fn nearest<'a>(&'a self, points: &'a [f32]) -> Promised<'a, Vec<f32>> {
        Box::pin(async move { numbers(&self.0.nearest(points).await.map_err(lost)?) })
    }

    fn least<'a>(&'a self, points: &'a [f32]) -> Promised<'a, Vec<f32>> {
        Box::pin(async move { numbers(&self.0.least(points).await.map_err(lost)?) })
    }
}

fn numbers(told: &JsValue) -> Result<Vec<f32>, Lost> {
    told.dyn_ref().map(Float32Array::to_vec).ok_or_else(|| Lost("the GPU's program answered something else".into()))
}

/// A training there.
struct OnGpu {
    training: Training,
    n_at_once: usize,
}

impl Drop for OnGpu {
    fn drop(&mut self) {
        self.training.free();
    }
}

impl Backend for OnGpu {
    fn steps_at_once(&self) -> usize {
        self.n_at_once
    }

    fn steps<'a>(&'a mut self, row_idxs: &'a [u32], batch_size: usize) -> Promised<'a, f64> {
        Box::pin(async move {
            let told: Float64Array = self.training.steps(row_idxs, batch_size).await.map_err(lost)?.unchecked_into();
            self.n_at_once = (told.get_index(1) as usize).max(1);
            Ok(told.get_index(0))
        })
    }

    fn loss<'a>(&'a mut self, row_idxs: &'a [u32]) -> Promised<'a, f64> {
        Box::pin(async move { Ok(self.training.loss(row_idxs).await.map_err(lost)?.as_f64().unwrap_or(f64::NAN)) })
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.training.set_learning_rate(learning_rate);
    }

    fn layers(&mut self) -> Promised<'_, Vec<Layer>> {
        Box::pin(async move { decoded(&self.training.layers().await.map_err(lost)?) })
    }

    fn save(&mut self) -> Promised<'_, Option<Saved>> {
        Box::pin(async move { decoded(&self.training.save().await.map_err(lost)?) })
    }

    fn restore(&mut self, saved: &Saved) {
        if let Ok(bytes) = postcard::to_stdvec(saved) {
            // It is the same program that saved it.
            let _ = self.training.restore(&bytes);
        }
    }
}

fn decoded<T: DeserializeOwned>(bytes: &JsValue) -> Result<T, Lost> {
    postcard::from_bytes(&Uint8Array::new(bytes).to_vec()).map_err(|error| Lost(error.to_string()))
}

/// In words: the GPU's program throws sentences, the browser errors.
fn lost(thrown: JsValue) -> Lost {
    let told = thrown.as_string().or_else(|| Some(thrown.dyn_ref::<js_sys::Error>()?.message().into()));
    Lost(told.unwrap_or_else(|| "its program could not be loaded".into()))
}
