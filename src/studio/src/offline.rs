//! The service worker: it keeps the studio for times without a network, and answers for the endpoints of this browser.

use leptos::prelude::*;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{RegistrationOptions, ServiceWorkerRegistration, ServiceWorkerState, ServiceWorkerUpdateViaCache};

use crate::dom;
use crate::store::Studio;

/// The script, beside the page.
const SCRIPT: &str = "sw.js";

/// Registers the service worker, and says when there is a newer build of the studio.
pub fn start(studio: Studio) {
    // Not there in private windows of some browsers, and at addresses that are not secure.
    let Some(container) = container() else { return };
    spawn_local(async move {
        let options = RegistrationOptions::new();
        options.set_update_via_cache(ServiceWorkerUpdateViaCache::None);
        let registering = JsFuture::from(container.register_with_options(SCRIPT, &options)).await;
        match registering.map(JsCast::unchecked_into::<ServiceWorkerRegistration>) {
            Ok(registration) => watch(studio, registration),
            // The studio works as before, as long as there is a network.
            Err(error) => web_sys::console::warn_1(&error),
        }
    });
}

fn container() -> Option<web_sys::ServiceWorkerContainer> {
    let navigator = dom::window().navigator();
    let container = js_sys::Reflect::get(&navigator, &"serviceWorker".into()).ok()?;
    container.is_truthy().then(|| navigator.service_worker())
}

/// A build that waits takes over when the reader says so: pages of the old one go on until then.
fn watch(studio: Studio, registration: ServiceWorkerRegistration) {
    let is_update = || container().is_some_and(|container| container.controller().is_some());
    if registration.waiting().is_some() && is_update() {
        studio.has_update.set(true);
    }
    let found = {
        let registration = registration.clone();
        Closure::<dyn FnMut()>::new(move || {
            let Some(worker) = registration.installing() else { return };
            let changed = {
                let worker = worker.clone();
                Closure::<dyn FnMut()>::new(move || {
                    if worker.state() == ServiceWorkerState::Installed && is_update() {
                        studio.has_update.set(true);
                    }
                })
            };
            worker.set_onstatechange(Some(changed.as_ref().unchecked_ref()));
            changed.forget();
        })
    };
    registration.set_onupdatefound(Some(found.as_ref().unchecked_ref()));
    found.forget();
}

/// Lets the build that waits take over, and loads the page anew.
pub fn take_over() {
    let Some(container) = container() else { return };
    let reload = Closure::once_into_js(|| {
        // A page that cannot be reloaded is being closed.
        let _ = dom::window().location().reload();
    });
    container.set_oncontrollerchange(Some(reload.unchecked_ref()));
    spawn_local(async move {
        let registration = JsFuture::from(container.get_registration()).await;
        let registration = registration.map(JsCast::unchecked_into::<ServiceWorkerRegistration>);
        if let Some(worker) = registration.ok().and_then(|registration| registration.waiting()) {
            // The worker that waits hears it, or is gone and another one waits.
            let _ = worker.post_message(&JsValue::from_str("take over"));
        }
    });
}
