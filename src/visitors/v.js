(() => {
  try {
    const self = document.currentScript, nav = navigator, past = history;
    if (!self || nav.globalPrivacyControl || [nav.doNotTrack, window.doNotTrack].includes("1")) return;
    const to = new URL("/v", self.src);
    let from = document.referrer, last;
    const hit = () => {
      try {
        const { hostname: h, pathname: p } = location;
        if (p === last) return;
        last = p;
        const body = JSON.stringify({ h, p, r: from && new URL(from).hostname });
        from = "";
        fetch(to, { method: "POST", mode: "no-cors", credentials: "omit", keepalive: true, body }).catch(() => {});
      } catch {}
    };
    for (const name of ["pushState", "replaceState"]) {
      const go = past[name];
      past[name] = function () {
        go.apply(this, arguments);
        hit();
      };
    }
    addEventListener("popstate", hit);
    addEventListener("pageshow", (e) => e.persisted && hit((last = "")));
    document.prerendering ? document.addEventListener("prerenderingchange", hit) : hit();
  } catch {}
})();
