//! The whole site over the server in memory: pages and server functions, and who asks.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::COOKIE;
use axum::response::IntoResponse;
use leptos::config::LeptosOptions;
use leptos::prelude::provide_context;
use leptos_axum::{LeptosRoutes, generate_route_list};

use super::*;

impl Memory {
    /// The whole site over this memory. The cookie `as=ROLE` says who asks.
    pub(crate) fn router(self) -> Router {
        // Fails when another test of the same process has done it.
        let _ = any_spawner::Executor::init_tokio();
        let options = LeptosOptions::builder().output_name("ulysse").build();
        let routes = generate_route_list(app::App);
        let pages = {
            let (memory, options) = (self.clone(), options.clone());
            move |request: Request<Body>| {
                let (memory, options) = (memory.clone(), options.clone());
                async move {
                    let context = memory.context(&request);
                    leptos_axum::render_app_async_with_context(context, move || {
                        app::shell(options.clone())
                    })(request)
                    .await
                    .into_response()
                }
            }
        };
        let memory = self;
        Router::new()
            .leptos_routes_with_handler(routes, pages.clone())
            .route(
                "/api/{*function}",
                axum::routing::post(move |request: Request<Body>| {
                    let context = memory.context(&request);
                    async move {
                        leptos_axum::handle_server_fns_with_context(context, request).await
                    }
                }),
            )
            .fallback(pages)
            .with_state(options)
    }

    fn context(
        &self,
        request: &Request<Body>,
    ) -> impl Fn() + Clone + Send + Sync + 'static + use<> {
        let cookies = request.headers().get(COOKIE).and_then(|value| value.to_str().ok());
        let session = cookies
            .unwrap_or_default()
            .split("; ")
            .find_map(|cookie| cookie.strip_prefix("as="))
            .unwrap_or("nobody")
            .to_owned();
        let identity = session.parse::<Role>().ok().map(identity);
        let memory = self.clone();
        move || {
            provide_context::<Arc<dyn Backend>>(Arc::new(memory.clone()));
            provide_context::<Arc<dyn Account>>(Arc::new(MemoryAccount {
                session: session.clone(),
                memory: memory.clone(),
            }));
            provide_context::<Arc<dyn Clock>>(Arc::new(StoppedClock));
            provide_context(identity.clone());
            provide_context(Reference("R-1234".to_owned()));
        }
    }
}

struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> UnixMillis {
        NOW
    }
}
