//! What only a browser can do: animation, the theme, the chart library. On the server `nowhere.rs` stands in.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use js_sys::{Function, JSON, Promise};
use leptos::prelude::{RwSignal, Set as _};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    Document, Element, HtmlDialogElement, HtmlElement, HtmlScriptElement, KeyboardEvent, MouseEvent, Window,
};

use crate::chart::Chart;
use crate::ui::chart::map::WorldMap;
use crate::ui::chart::options;

/// How long a figure counts up, in milliseconds.
const COUNT_MS: f64 = 400.0;
/// The theme is remembered for a year.
const THEME_SECONDS: u32 = 365 * 24 * 3600;

fn window() -> Option<Window> {
    web_sys::window()
}

fn document() -> Option<Document> {
    window()?.document()
}

fn matches(query: &str) -> bool {
    window().and_then(|w| w.match_media(query).ok().flatten()).is_some_and(|m| m.matches())
}

/// Counts from one number to another within 400 ms, or jumps where the system asks for less motion.
pub fn count_up(from: i64, to: i64, show: impl Fn(i64) + 'static) {
    let hidden = document().is_some_and(|d| d.hidden());
    if hidden || matches("(prefers-reduced-motion: reduce)") {
        show(to);
        return;
    }
    spawn_local(async move {
        let start = js_sys::Date::now();
        loop {
            next_frame().await;
            let part = ((js_sys::Date::now() - start) / COUNT_MS).min(1.0);
            // Fast at first, gentle at the end.
            let eased = 1.0 - (1.0 - part).powi(3);
            show(from + ((to - from) as f64 * eased).round() as i64);
            if part >= 1.0 {
                return;
            }
        }
    });
}

async fn next_frame() {
    let promise = Promise::new(&mut |resolve: Function, _| {
        if let Some(window) = window() {
            let _ = window.request_animation_frame(&resolve);
        }
    });
    let _ = JsFuture::from(promise).await;
}

/// Opens a dialog over the page; the browser keeps the focus in it, closes it on Escape and gives the focus back.
pub fn open_dialog(id: &str) {
    let dialog = document().and_then(|d| d.get_element_by_id(id)).and_then(|e| e.dyn_into::<HtmlDialogElement>().ok());
    if let Some(dialog) = dialog.filter(|dialog| !dialog.open()) {
        let _ = dialog.show_modal();
    }
}

thread_local! {
    static QUERY: RwSignal<String> = RwSignal::new(current_query());
}

fn current_query() -> String {
    let search = window().and_then(|w| w.location().search().ok()).unwrap_or_default();
    search.trim_start_matches('?').to_owned()
}

/// The address's query. It follows back and forward, and links to the same page, which change nothing but the query.
pub fn query() -> RwSignal<String> {
    let query = QUERY.with(|query| *query);
    let clicked = Closure::<dyn Fn(MouseEvent)>::new(move |event: MouseEvent| {
        let plain =
            event.button() == 0 && !(event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key());
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let link = target.and_then(|element| element.closest("a[href]").ok().flatten());
        let Some(address) = link.and_then(|link| link.get_attribute("href")) else { return };
        if plain && !event.default_prevented() && (address == "/" || address.starts_with("/?")) {
            event.prevent_default();
            go(&address);
        }
    });
    let moved = Closure::<dyn Fn()>::new(move || query.set(current_query()));
    if let (Some(window), Some(document)) = (window(), document()) {
        let _ = document.add_event_listener_with_callback("click", clicked.as_ref().unchecked_ref());
        let _ = window.add_event_listener_with_callback("popstate", moved.as_ref().unchecked_ref());
    }
    // They live as long as the page.
    clicked.forget();
    moved.forget();
    query
}

/// A text in small letters, by the browser's tables: Rust's own would have to come with the page.
pub fn lower_case(text: &str) -> String {
    js_sys::JsString::from(text).to_lower_case().into()
}

/// Goes to another address of this page.
pub fn go(address: &str) {
    if let Some(history) = window().and_then(|w| w.history().ok())
        && history.push_state_with_url(&JsValue::NULL, "", Some(address)).is_ok()
    {
        QUERY.with(|query| query.set(current_query()));
    }
}

/// Gives the focus to the first element of a selector, once the page shows what has changed.
pub fn focus(selector: &str) {
    let selector = selector.to_owned();
    spawn_local(async move {
        next_frame().await;
        let element = document().and_then(|d| d.query_selector(&selector).ok().flatten());
        if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
            let _ = element.focus();
        }
    });
}

/// Closes the menus that are open. A focus that was in one goes to what opened it.
pub fn close_menus() {
    let Some(document) = document() else { return };
    while let Ok(Some(menu)) = document.query_selector("details.menu[open]") {
        let was_inside = document.active_element().is_some_and(|element| menu.contains(Some(&element)));
        if menu.remove_attribute("open").is_err() {
            return;
        }
        if was_inside {
            focus_in(&menu, "summary");
        }
    }
}

/// Opens a menu with the focus in its field.
pub fn open_menu(id: &str) {
    close_menus();
    if let Some(menu) = document().and_then(|d| d.get_element_by_id(id))
        && menu.set_attribute("open", "").is_ok()
    {
        focus_in(&menu, "input");
    }
}

fn focus_in(inside: &Element, what: &str) {
    let found = inside.query_selector(what).ok().flatten().and_then(|element| element.dyn_into::<HtmlElement>().ok());
    if let Some(element) = found {
        let _ = element.focus();
    }
}

/// The column and the row that a pointer is at, in a field of so many of them that takes the whole element.
pub fn cell_at(event: &MouseEvent, columns: usize, rows: usize) -> Option<(usize, usize)> {
    let field = event.target()?.dyn_into::<Element>().ok()?;
    let place = |at: i32, length: i32, count: usize| {
        let (at, length) = (usize::try_from(at).ok()?, usize::try_from(length).ok()?);
        Some((at * count).checked_div(length)?.min(count.saturating_sub(1)))
    };
    Some((
        place(event.offset_x(), field.client_width(), columns)?,
        place(event.offset_y(), field.client_height(), rows)?,
    ))
}

/// Calls back after a pause.
pub fn after(milliseconds: u32, then: impl FnOnce() + 'static) {
    spawn_local(async move {
        TimeoutFuture::new(milliseconds).await;
        then();
    });
}

/// Whether the page is dark now: by someone's choice, else the system's.
pub fn current_is_dark() -> bool {
    let chosen = document().and_then(|d| d.document_element()).and_then(|root| root.get_attribute("data-theme"));
    match chosen.as_deref() {
        Some("dark") => true,
        Some("light") => false,
        _ => matches("(prefers-color-scheme: dark)"),
    }
}

/// Sets the theme, and remembers it in a cookie so that the server renders the next page with it.
pub fn set_theme(theme: &str) {
    let Some(document) = document() else { return };
    if let Some(root) = document.document_element() {
        let _ = root.set_attribute("data-theme", theme);
    }
    if let Ok(html) = document.dyn_into::<web_sys::HtmlDocument>() {
        let _ = html.set_cookie(&format!("theme={theme}; path=/; max-age={THEME_SECONDS}; samesite=lax"));
    }
    redraw_charts();
}

/// Calls back with each key pressed outside a field and without a modifier. What was made use of does nothing else.
pub fn on_key(handle: impl Fn(String) -> bool + 'static) {
    let listener = Closure::<dyn Fn(KeyboardEvent)>::new(move |event: KeyboardEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
        let field = target.is_some_and(|element| {
            matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT") || element.is_content_editable()
        });
        if !field && !event.ctrl_key() && !event.meta_key() && !event.alt_key() && handle(event.key()) {
            event.prevent_default();
        }
    });
    if let Some(document) = document() {
        let _ = document.add_event_listener_with_callback("keydown", listener.as_ref().unchecked_ref());
    }
    // It lives as long as the page.
    listener.forget();
}

/// The chart library, which the bundle puts on the window.
#[wasm_bindgen]
extern "C" {
    type Echarts;
    #[wasm_bindgen(js_namespace = echarts, js_name = init)]
    fn init(element: &Element) -> Echarts;
    #[wasm_bindgen(catch, js_namespace = echarts, js_name = draw)]
    fn draw(chart: &Echarts, what: &JsValue) -> Result<(), JsValue>;
    #[wasm_bindgen(method)]
    fn resize(this: &Echarts);
    #[wasm_bindgen(js_namespace = echarts, js_name = onPoint)]
    fn on_point(chart: &Echarts, handle: &Function);
    #[wasm_bindgen(js_namespace = echarts, js_name = world)]
    fn world(element: &Element, address: &str) -> Promise;
    #[wasm_bindgen(js_namespace = echarts, js_name = onRegion)]
    fn on_region(chart: &Echarts, handle: &Function);
    #[wasm_bindgen(js_namespace = echarts, js_name = markRegion)]
    fn mark_region_of(chart: &Echarts, name: &str);
}

/// What a chart shows, in JSON as the bundle draws it, for the colours of a theme.
type Paint = Rc<dyn Fn(&[String]) -> Option<String>>;

/// A chart: what it shows now, and what it is drawn by once the library is there.
struct Drawn {
    paint: Paint,
    echarts: Option<Echarts>,
}

impl Drawn {
    fn draw(&self) {
        let what = (self.paint)(&ink()).and_then(|json| JSON::parse(&json).ok());
        if let (Some(echarts), Some(what)) = (&self.echarts, what) {
            // What it refuses is not drawn; the table says the same.
            let _ = draw(echarts, &what);
        }
    }
}

thread_local! {
    static DRAWN: RefCell<HashMap<&'static str, Drawn>> = RefCell::default();
}

/// Loads the chart library once, after the first paint, and draws the chart over its server-rendered picture; a chart
/// that is drawn already is changed in place. `open` is called with the place of a point that is clicked.
pub fn draw_chart(id: &'static str, chart: Chart, open: impl Fn(usize) + 'static) {
    let paint: Paint = Rc::new(move |ink| serde_json::to_string(&options(&chart, ink)).ok());
    if !repaint(id, paint) {
        spawn_local(async move {
            let Some(element) = element_with_library(id).await else { return };
            let echarts = init(&element);
            let clicked = Closure::<dyn Fn(f64)>::new(move |i: f64| open(i as usize));
            on_point(&echarts, clicked.as_ref().unchecked_ref());
            // It lives as long as the page.
            clicked.forget();
            put_up(id, &element, echarts);
        });
    }
}

/// The same of a map of the world, whose shapes are loaded when it comes into view. `open` is called with the name of a
/// region that is clicked.
pub fn draw_map(id: &'static str, map: impl Fn(&[String]) -> WorldMap + 'static, open: impl Fn(String) + 'static) {
    let paint: Paint = Rc::new(move |ink| serde_json::to_string(&map(ink)).ok());
    if !repaint(id, paint) {
        spawn_local(async move {
            let Some(element) = element_with_library(id).await else { return };
            let Some(address) = in_head("world-map") else { return };
            if JsFuture::from(world(&element, &address)).await.is_err() {
                // Without a connection there is no map; the table beside it says the same.
                return;
            }
            let echarts = init(&element);
            let clicked = Closure::<dyn Fn(String)>::new(open);
            on_region(&echarts, clicked.as_ref().unchecked_ref());
            // It lives as long as the page.
            clicked.forget();
            put_up(id, &element, echarts);
        });
    }
}

/// Shows which region of a map the keyboard is at.
pub fn mark_region(id: &str, name: &str) {
    DRAWN.with_borrow(|drawn| {
        if let Some(echarts) = drawn.get(id).and_then(|known| known.echarts.as_ref()) {
            mark_region_of(echarts, name);
        }
    });
}

/// Changes what a chart shows; false where it is met for the first time. What comes while the library is loading is
/// drawn when it is there.
fn repaint(id: &'static str, paint: Paint) -> bool {
    DRAWN.with_borrow_mut(|drawn| match drawn.get_mut(id) {
        Some(known) => {
            known.paint = paint;
            known.draw();
            true
        }
        None => {
            drawn.insert(id, Drawn { paint, echarts: None });
            false
        }
    })
}

/// The element of a chart, once the chart library is loaded.
async fn element_with_library(id: &str) -> Option<Element> {
    load_library().await?;
    document()?.get_element_by_id(id)
}

/// Draws a chart for the first time, over what the server drew.
fn put_up(id: &'static str, element: &Element, echarts: Echarts) {
    DRAWN.with_borrow_mut(|drawn| {
        if let Some(known) = drawn.get_mut(id) {
            known.echarts = Some(echarts);
            known.draw();
        }
    });
    if let Some(area) = element.parent_element() {
        let _ = area.class_list().add_1("is-drawn");
    }
    follow_size(id);
}

fn redraw_charts() {
    DRAWN.with_borrow(|drawn| drawn.values().for_each(Drawn::draw));
}

/// Keeps a chart as large as its element.
fn follow_size(id: &'static str) {
    let Some(element) = document().and_then(|d| d.get_element_by_id(id)) else { return };
    let resized = Closure::<dyn Fn()>::new(move || {
        DRAWN.with_borrow(|drawn| {
            if let Some(echarts) = drawn.get(id).and_then(|known| known.echarts.as_ref()) {
                echarts.resize();
            }
        });
    });
    if let Ok(observer) = web_sys::ResizeObserver::new(resized.as_ref().unchecked_ref()) {
        observer.observe(&element);
        // Both live as long as the page.
        std::mem::forget(observer);
    }
    resized.forget();
}

/// The colours of the theme, read from the design tokens.
fn ink() -> Vec<String> {
    let style = document()
        .and_then(|d| d.document_element())
        .and_then(|root| window()?.get_computed_style(&root).ok().flatten());
    ["--accent", "--quiet", "--text", "--line", "--raised", "--decline"]
        .iter()
        .map(|token| {
            style.as_ref().and_then(|s| s.get_property_value(token).ok()).unwrap_or_default().trim().to_owned()
        })
        .collect()
}

/// What the page's head says under a name.
fn in_head(name: &str) -> Option<String> {
    document()?.query_selector(&format!("meta[name={name}]")).ok()??.get_attribute("content")
}

thread_local! {
    static LIBRARY: RefCell<Option<Promise>> = const { RefCell::new(None) };
}

/// Waits for the chart bundle, which is loaded once for all charts: a second one would know nothing of the first one's maps.
async fn load_library() -> Option<()> {
    let loading = match LIBRARY.with_borrow(Clone::clone) {
        Some(loading) => loading,
        None => begin_loading()?,
    };
    LIBRARY.set(Some(loading.clone()));
    if JsFuture::from(loading).await.is_err() {
        // The next chart tries again.
        LIBRARY.set(None);
        return None;
    }
    Some(())
}

/// Puts the chart bundle that the page's head names into the page.
fn begin_loading() -> Option<Promise> {
    let document = document()?;
    let script: HtmlScriptElement = document.create_element("script").ok()?.dyn_into().ok()?;
    script.set_src(&in_head("chart-bundle")?);
    let loaded = Promise::new(&mut |resolve, reject| {
        script.set_onload(Some(&resolve));
        script.set_onerror(Some(&reject));
    });
    document.head()?.append_child(script.dyn_ref::<HtmlElement>()?).ok()?;
    Some(loaded)
}
