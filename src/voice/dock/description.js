// What the dock changes in the server's answer: the answer says what the server wants to get.

const payload = (sdp, codec) => new RegExp(`a=rtpmap:(\\d+) ${codec}/48000`, "i").exec(sdp)?.[1];

// Asks the browser to send next to nothing in silence, and to mend single losses: the answer says what the server wants to get.
const withSilence = (sdp) => {
  const opus = payload(sdp, "opus");
  if (!opus) return sdp;
  const wanted = ["usedtx=1", "useinbandfec=1"];
  const line = new RegExp(`a=fmtp:${opus} ([^\\r\\n]*)`, "g");
  if (!line.test(sdp)) return sdp.replace(new RegExp(`(a=rtpmap:${opus} [^\\r\\n]*)`, "g"), `$1\r\na=fmtp:${opus} ${wanted.join(";")}`);
  return sdp.replace(line, (_, given) => {
    const others = given.split(";").filter((part) => !/^\s*(usedtx|useinbandfec)=/.test(part));
    return `a=fmtp:${opus} ${[...others, ...wanted].join(";")}`;
  });
};

// Names redundancy before the plain codec on the line that is sent on, or after it: what is named first is used.
const inOrder = (sdp, isRed) => {
  const [opus, red] = [payload(sdp, "opus"), payload(sdp, "red")];
  if (!opus || !red) return sdp;
  const [first, second] = isRed ? [red, opus] : [opus, red];
  return sdp.replace(/^(m=audio \d+ \S+)((?: \d+)+)/m, (_, line, payloads) => {
    const others = payloads.trim().split(" ").filter((one) => one !== opus && one !== red);
    return [line, first, second, ...others].join(" ");
  });
};

export const arranged = (sdp, isRed) => inOrder(withSilence(sdp), isRed);
