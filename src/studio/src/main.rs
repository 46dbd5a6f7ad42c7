//! The page: what is seen and touched, drawn from the editor's state and the worker's answers.

mod app;
mod canvas;
mod compute;
mod dom;
mod endpoints;
mod idle;
mod lock;
mod models;
mod moments;
mod monitor;
mod offline;
mod pace;
mod parts;
mod pool;
mod runs;
mod storage;
mod store;
mod sweeps;
mod viewers;
mod views;
mod worker_client;

fn main() {
    idle::write();
    leptos::mount::mount_to_body(app::App);
}
