// One shows the others where they are; who follows goes there too: the same question, and the same card in sight.

import { inSight, named } from "./cards.js";
import { keepLedTo, ledTo } from "./kept.js";
import { change, isFollowing, isPresenting, state } from "./store.js";

const LOOK_MS = 250;
// A page is an address without a file's ending; the API's are no pages.
const NO_PAGE = /^\/(api\/|voice|sign-out)|\.\w+$/;

// An address of this site that a click may lead to. A path that begins with two slashes would be read as another site's address.
export const page = (address) => {
  const url = URL.canParse(address, location.origin) && new URL(address, location.origin);
  if (!url || url.origin !== location.origin || url.pathname.startsWith("//") || NO_PAGE.test(url.pathname)) return null;
  return url;
};

const where = ({ pathname, search }) => pathname + search;
const here = () => where(location);

export const follow = ({ send, keep }) => {
  let said = "";
  let last;

  setInterval(() => {
    if (!isPresenting() || state.seat?.is !== "joined") return;
    const view = { type: "view", address: here(), target: inSight() };
    const words = JSON.stringify(view);
    if (words !== said && send(view)) said = words;
  }, LOOK_MS);

  const scroll = (target, isNew) => {
    const behavior = isNew || matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
    if (target === null) return scrollTo({ top: 0, behavior });
    named(target)?.scrollIntoView({ block: "start", behavior });
  };

  const apply = () => {
    const led = last && page(last.address);
    if (!isFollowing() || !led) return;
    const words = JSON.stringify([where(led), last.target]);
    const isThere = where(led) === here();
    // Where one has been led to once one may look around, until the view changes.
    if (isThere && ledTo() === words) return;
    if (isThere) {
      keepLedTo(words);
      return scroll(last.target, false);
    }
    // A click on a link: the dashboard takes those within the site to itself, by their path, without loading the page anew; elsewhere
    // the call comes along.
    const link = Object.assign(document.createElement("a"), { href: where(led), hidden: true });
    document.body.append(link);
    link.click();
    link.remove();
  };

  const present = (on) => {
    send({ type: "present", on });
    said = "";
  };

  return {
    viewed(message) {
      if (message.person !== state.presenting) return;
      last = message;
      apply();
    },
    present: () => present(!isPresenting()),
    presentAgain: () => present(true),
    follow() {
      change({ following: isFollowing() ? null : state.presenting });
      keepLedTo(null);
      keep();
      apply();
    },
  };
};
