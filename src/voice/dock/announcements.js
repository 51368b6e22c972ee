// What is said to a reader of the screen: one thing after the other, each for a moment.

import { say } from "./dom.js";

const SAID_MS = 1_500;
// More people than this at once are counted instead of named.
const NAMED_MAX = 3;

export const announcer = (place) => {
  const news = [];
  const next = () => {
    say(place, news[0] ?? "");
    if (news.length > 0) setTimeout(() => (news.shift(), next()), SAID_MS);
  };
  return (words) => {
    news.push(words);
    if (news.length === 1) next();
  };
};

// Who of the others came to a room or went: the words, and which note is played; nothing where it is the same people.
export const comings = (before, now, self) => {
  const without = (these, those) => these.filter((one) => one.person !== self && !those.some((other) => other.person === one.person));
  const [came, went] = [without(now, before), without(before, now)];
  const words = (people, deed) =>
    people.length > NAMED_MAX ? `${people.length} people ${deed}.` : people.map(({ name }) => `${name} ${deed}.`).join(" ");
  const said = [words(came, "joined"), words(went, "left")].filter(Boolean).join(" ");
  return said ? { said, note: came.length > 0 ? "comes" : "goes" } : null;
};

// What a closed dock would keep to itself is said once each time: that the sound is interrupted, that it is back, and why there is no
// microphone. The open one has a line that says the first two.
export const troubles = (announce) => {
  let [wasTrouble, why] = [false, null];
  return ({ isOpen, seat, media, microphone }) => {
    const isTrouble = media === "trouble";
    if (isTrouble && !wasTrouble && !isOpen) announce("The sound is interrupted.");
    if (wasTrouble && media === "connected" && !isOpen) announce("The sound is back.");
    if (seat && microphone && microphone !== why) announce(microphone);
    [wasTrouble, why] = [isTrouble, microphone];
  };
};
