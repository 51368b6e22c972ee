// How it goes, in words.

import { choices } from "./kept.js";

// A reason of the server as a sentence.
export const sentence = (words) => words && words[0].toUpperCase() + words.slice(1) + (/[.?!]$/.test(words) ? "" : ".");

// A key as one calls it: `KeyB` is B.
export const keyName = (code) => code.replace(/^Key|^Digit/, "").replace(/([a-z])([A-Z0-9])/g, "$1 $2");

const ofLink = ({ link, isOnline, rooms, turnedAway }) => {
  if (!isOnline) return "You are offline. It goes on by itself when the network is back.";
  if (turnedAway) return turnedAway;
  if (link === "lost" || (link === "opening" && rooms)) return "Voice cannot be reached. It is tried again and again.";
  if (!rooms) return "Looking for the rooms…";
  return "";
};

const ofCall = (state) => {
  const { seat, media, link, isOnline, turnedAway } = state;
  if (!isOnline) return "You are offline. The call comes back by itself.";
  if (turnedAway) return turnedAway;
  if (seat.is === "joining") return link === "lost" ? "The server cannot be reached. You come back by yourself." : "Joining…";
  if (media === "connecting") return "Connecting…";
  if (media === "trouble") return "The sound is interrupted. A new connection is being made…";
  if (link !== "open") return "The server cannot be reached. Those in the room still hear one another.";
  if (state.serverMuted) return "An administrator has muted you: nobody hears you.";
  if (state.microphone) return "You are listening.";
  if (state.isMuted) return "You are muted.";
  if (!choices.push) return "You can be heard.";
  return state.isTalking ? "You are heard." : `Hold ${keyName(choices.key)} to talk.`;
};

export const status = (state) => (state.seat ? ofCall(state) : ofLink(state));

// What is to be known of somebody in the room.
export const how = (one, state) => {
  const isSelf = one.person === state.you?.person;
  const media = isSelf && state.media !== "none" ? state.media : one.state;
  return [
    media === "connecting" && "connecting",
    media === "trouble" && "interrupted",
    one.server_muted ? "muted by an administrator" : one.muted && "muted",
    one.deafened && "hears nobody",
    state.presenting === one.person && "presents",
  ].filter(Boolean).join(", ");
};

export const names = (people) => people.map(({ name }) => name).join(", ") || "Nobody is here.";
