// What the ES module decides, without a socket. It prints its figures, which are those of the library in Rust.

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { Cursor, Edges, RULES, afterClose, backOff, isNearer, open, renewAfter } from "../../edge/clients/js/switchboard-client.js";

const codes = [1012, 1013, 4429, 4401, 1002, 1007, 1009, 4400, 4403, 4408, 4413, 1001, 1006, undefined];
const next = "elsewhere later later new-token stop stop stop stop stop again again lost lost lost";
equal(codes.map(afterClose).join(" "), next);

equal(backOff(0, 1), RULES.backOff);
equal(backOff(3, 0.5), RULES.backOff * 4);
equal(backOff(40, 1), RULES.backOffMost);
equal(backOff(40, 0), 0);

ok(isNearer(5, 100) && isNearer(0, 20));
ok(!isNearer(1, 15) && !isNearer(300, 330) && !isNearer(100, 5));

const token = (payload) => `e30.${Buffer.from(JSON.stringify(payload)).toString("base64url")}.sig`;
equal(renewAfter(token({ exp: 4600 }), 1_000_000), 3_540_000);
equal(renewAfter(token({ exp: 1040 }), 1_000_000), 20_000);
equal(renewAfter(token({ sub: "ann" }), 0), undefined);
equal(renewAfter("no token at all", 0), undefined);
equal(renewAfter(4_600_000, 1_000_000), 3_540_000);

const view = (name, load = 0, draining = false) => ({ url: `https://${name}.example`, load, draining });
const far = "https://far.example";
const near = "https://near.example";
const edges = new Edges();
edges.give(["https://given.example"]);
edges.list([view("far"), view("near", 0.9), view("beside", 0.1)]);
edges.measured("https://given.example", undefined);
edges.measured(far, 200);
edges.measured(near, 10);
edges.measured("https://beside.example", 12);
let turn = 0;
equal(edges.best(0, (count) => turn++ % count), "https://beside.example", "as near, and less to do");
equal(edges.best(0, () => 0), near);
equal(edges.betterThan(far, 0, () => 0), near);
equal(edges.betterThan("https://beside.example", 0, () => 0), undefined);
edges.avoid(near, 0);
edges.avoid("https://beside.example", 0);
equal(edges.best(0, () => 0), far);
equal(edges.best(RULES.avoided, () => 0), near);
edges.measured(near, 10);
equal(edges.best(0, () => 0), near);
edges.list([view("far"), view("near", 0, true)]);
equal(edges.betterThan(near, 0, () => 0), far, "it drains");
equal(edges.name("http://far.example"), undefined, "a token can be read there");
equal(edges.count, 3);

const renamed = (seq) => ({ type: "conversation.renamed", seq });
const piece = (attempt, offset, text) => ({ type: "answer.delta", turn: "t", data: { attempt, offset, text } });
const cursor = new Cursor(4);
equal(cursor.take(renamed(4)), undefined);
deepEqual(cursor.take(renamed(5)), renamed(5));
equal(cursor.take(renamed(7)), "gap");
equal(cursor.seq, 5);
deepEqual(cursor.take(piece(1, 0, "h😀llo")), piece(1, 0, "h😀llo"));
equal(cursor.take(piece(1, 0, "h😀llo")), undefined);
deepEqual(cursor.take(piece(1, 3, "lo wörld")), piece(1, 5, " wörld"));
deepEqual(cursor.take(piece(2, 0, "a")), piece(2, 0, "a"));
equal(cursor.take(piece(1, 11, "d")), undefined);
deepEqual(cursor.take({ type: "turn.finished", turn: "t", seq: 6 }).seq, 6);
equal(cursor.take(piece(2, 1, "b")), undefined);

await rejects(open({ edges: [], token: () => "t", WebSocket: null }), /Node has one from version 22 on/);
console.log(JSON.stringify(RULES));
