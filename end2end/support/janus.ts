// Janus with its AudioBridge, which mixes what everybody says: another program to measure voice beside.

import { ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort } from './server';

const PROGRAM = '/usr/bin/janus';
const ROOM = 1234;
const STARTED_WITHIN_MS = 20_000;

export class Janus {
  private constructor(
    readonly address: string,
    private readonly child: ChildProcess,
    private readonly folder: string,
  ) {}

  /** Whether Debian's package is there. */
  static isInstalled(): boolean {
    return existsSync(PROGRAM);
  }

  /** Starts it with a room, its own settings left as they are. */
  static async start(): Promise<Janus> {
    const folder = mkdtempSync(join(tmpdir(), 'takings-janus-'));
    const port = await freePort('127.0.0.1');
    const settings = {
      'janus.jcfg': 'general: { debug_level = 2 }\nplugins: { disable = "libjanus_duktape.so,libjanus_lua.so" }\ntransports: { disable = "libjanus_http.so,libjanus_pfunix.so" }\n',
      'janus.transport.websockets.jcfg': `general: { ws = true\n ws_port = ${port}\n ws_ip = "127.0.0.1" }\n`,
      'janus.plugin.audiobridge.jcfg': `room-${ROOM}: { description = "Room"\n sampling_rate = 48000\n record = false }\n`,
    };
    for (const [name, text] of Object.entries(settings)) writeFileSync(join(folder, name), text);
    const child = spawn(PROGRAM, ['-F', folder], { stdio: 'ignore' });
    const deadline = Date.now() + STARTED_WITHIN_MS;
    while (!(await isListening(port))) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`${PROGRAM} does not answer`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return new Janus(`ws://127.0.0.1:${port}`, child, folder);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill();
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });
}

/** Joins the room with the page's microphone; ends when it is connected, with the room's sound in an audio element. Runs in the page. */
export async function joinBridge(address: string): Promise<void> {
  const socket = new WebSocket(address, 'janus-protocol');
  await new Promise((resolve) => (socket.onopen = resolve));
  type Told = { janus: string; transaction?: string; data: { id: number }; jsep?: RTCSessionDescriptionInit; plugindata?: unknown };
  const waiting: { fits: (told: Told) => boolean; resolve: (told: Told) => void }[] = [];
  socket.onmessage = ({ data }) => {
    const told = JSON.parse(data as string) as Told;
    const at = waiting.findIndex(({ fits }) => fits(told));
    if (at >= 0) waiting.splice(at, 1)[0].resolve(told);
  };
  const told = (fits: (told: Told) => boolean) => new Promise<Told>((resolve) => waiting.push({ fits, resolve }));
  const say = (message: object) => {
    const transaction = crypto.randomUUID();
    socket.send(JSON.stringify({ ...message, transaction }));
    return transaction;
  };
  const asked = (message: object) => {
    const transaction = say(message);
    return told((told) => told.transaction === transaction && told.janus === 'success');
  };
  const session_id = (await asked({ janus: 'create' })).data.id;
  const handle_id = (await asked({ janus: 'attach', plugin: 'janus.plugin.audiobridge', session_id })).data.id;
  const joined = told(({ janus }) => janus === 'event');
  say({ janus: 'message', session_id, handle_id, body: { request: 'join', room: 1234, display: 'somebody' } });
  await joined;
  const peer = new RTCPeerConnection();
  const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
  for (const track of microphone.getTracks()) peer.addTrack(track, microphone);
  peer.ontrack = ({ streams, track }) => {
    const audio = document.createElement('audio');
    audio.srcObject = streams[0] ?? new MediaStream([track]);
    audio.dataset.heard = '';
    document.body.append(audio);
    void audio.play();
  };
  await peer.setLocalDescription();
  await new Promise<void>((resolve) => {
    if (peer.iceGatheringState === 'complete') resolve();
    peer.onicegatheringstatechange = () => peer.iceGatheringState === 'complete' && resolve();
  });
  const answered = told(({ jsep }) => jsep !== undefined);
  say({ janus: 'message', session_id, handle_id, body: { request: 'configure', muted: false }, jsep: peer.localDescription });
  await peer.setRemoteDescription((await answered).jsep!);
  setInterval(() => say({ janus: 'keepalive', session_id }), 20_000);
  await new Promise<void>((resolve) => {
    if (peer.connectionState === 'connected') resolve();
    peer.onconnectionstatechange = () => peer.connectionState === 'connected' && resolve();
  });
}
