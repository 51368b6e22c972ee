// Writes the countries of the world for the map, as TopoJSON: the shapes of Natural Earth (public domain, from the package
// world-atlas), projected to Equal Earth, without Antarctica, and with no more points than a page shows. Each shape is named
// by its ISO 3166 alpha-2 code.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { quantize } from "topojson-client";
import { presimplify, simplify } from "topojson-simplify";

const require = createRequire(import.meta.url);
const countries = require("i18n-iso-countries");
const world = JSON.parse(readFileSync(require.resolve("world-atlas/countries-50m.json"), "utf8"));

/** Degrees squared, about, that a corner has to stand out by, and that an island has to have. */
const CORNER_MIN = 0.03;
const ISLAND_MIN = 0.05;
/** Steps from end to end: a tenth of a pixel where the map is a thousand wide. */
const STEPS = 8000;

/** Parts of a country that have a code of their own: the code, whose part it is, and [west, south, east, north]. */
const APART = [
  ["GF", "FR", [-55, 2, -51, 6]],
  ["GP", "FR", [-62, 15.7, -61, 16.6]],
  ["MQ", "FR", [-61.5, 14.2, -60.7, 15]],
  ["RE", "FR", [55, -22, 56, -20.5]],
  ["YT", "FR", [44.9, -13.1, 45.4, -12.5]],
  ["SJ", "NO", [9, 74, 35, 81.5]],
];

/** Countries on both sides of 180°, which are drawn in the east as a whole. */
const EASTERN = ["RU", "FJ"];

/** Equal Earth (Šavrič, Patterson, Jenny 2018), in degrees at the equator: areas can be compared. */
function project(longitude, latitude) {
  const [a, b, c, d] = [1.340264, -0.081106, 0.000893, 0.003796];
  const t = Math.asin((Math.sqrt(3) / 2) * Math.sin((latitude * Math.PI) / 180));
  const t2 = t * t;
  const t6 = t2 ** 3;
  const x = (2 * Math.sqrt(3) * longitude * Math.cos(t)) / (3 * (9 * d * t2 * t6 + 7 * c * t6 + 3 * b * t2 + a));
  const y = t * (d * t2 * t6 + c * t6 + b * t2 + a);
  return [x, (y * 180) / Math.PI];
}

/** The points of an arc in degrees: it is stored as steps. */
function degrees(arc) {
  const { scale, translate } = world.transform;
  let [x, y] = [0, 0];
  return arc.map(([dx, dy]) => [(x += dx) * scale[0] + translate[0], (y += dy) * scale[1] + translate[1]]);
}

const arcs = world.arcs.map(degrees);
const points = (ring) => ring.flatMap((i) => (i < 0 ? arcs[~i].toReversed() : arcs[i]));

function area(ring) {
  const corners = points(ring).map(([x, y]) => project(x, y));
  return Math.abs(corners.reduce((sum, [x, y], i) => {
    const [nextX, nextY] = corners[(i + 1) % corners.length];
    return sum + (x * nextY - nextX * y) / 2;
  }, 0));
}

function isWithin(ring, [west, south, east, north]) {
  return points(ring).every(([x, y]) => west <= x && x <= east && south <= y && y <= north);
}

const code = ({ id, properties }) => (properties.name === "Kosovo" ? "XK" : (countries.numericToAlpha2(id) ?? ""));

// The shapes join at 180°, so that a plane would draw such a country across the whole map.
for (const country of world.objects.countries.geometries) {
  if (!EASTERN.includes(code(country))) continue;
  for (const i of country.arcs.flat(Infinity)) {
    for (const point of arcs[i < 0 ? ~i : i]) if (point[0] < 0) point[0] += 360;
  }
}

/** A country's islands by its code, those of its parts by theirs. */
const shapes = new Map();
for (const country of world.objects.countries.geometries) {
  const whole = code(country);
  if (whole === "AQ") continue;
  for (const polygon of country.type === "Polygon" ? [country.arcs] : country.arcs) {
    const part = APART.find(([, of, box]) => of === whole && isWithin(polygon[0], box));
    const name = part ? part[0] : whole;
    shapes.set(name, [...(shapes.get(name) ?? []), polygon]);
  }
}

/** Small islands go, but not a country's largest. */
function geometry([name, polygons]) {
  const sizes = polygons.map(([outer]) => area(outer));
  const kept = polygons.filter((_, i) => sizes[i] >= ISLAND_MIN || sizes[i] === Math.max(...sizes));
  return { type: "MultiPolygon", arcs: kept, properties: { name } };
}

for (const [name, polygons] of shapes) {
  const leaps = (ring) => points(ring).some(([x], i, all) => i > 0 && Math.abs(x - all[i - 1][0]) > 180);
  if (polygons.flat().some(leaps)) throw new Error(`${name || "a shape without a code"} lies on both sides of 180°: see EASTERN`);
}

const whole = presimplify({
  type: "Topology",
  arcs: arcs.map((arc) => arc.map(([x, y]) => project(x, y))),
  objects: { countries: { type: "GeometryCollection", geometries: [...shapes].map(geometry) } },
});
// An island stays one: three of its corners besides the first.
for (const arc of whole.arcs) {
  const [first, last] = [arc[0], arc[arc.length - 1]];
  if (first[0] !== last[0] || first[1] !== last[1]) continue;
  const corners = arc.slice(1, -1).sort((a, b) => b[2] - a[2]);
  for (const corner of corners.slice(0, 3)) corner[2] = Infinity;
}
const simple = simplify(whole, CORNER_MIN);

/** Leaves out the arcs that nothing uses. */
function pruned(topology) {
  const places = new Map();
  const renumbered = (i) => {
    const arc = i < 0 ? ~i : i;
    if (!places.has(arc)) places.set(arc, places.size);
    return i < 0 ? ~places.get(arc) : places.get(arc);
  };
  const geometries = topology.objects.countries.geometries.map((shape) => ({
    ...shape,
    arcs: shape.arcs.map((polygon) => polygon.map((ring) => ring.map(renumbered))),
  }));
  const used = [...places.keys()].map((arc) => topology.arcs[arc]);
  return { type: "Topology", arcs: used, objects: { countries: { type: "GeometryCollection", geometries } } };
}

process.stdout.write(JSON.stringify(quantize(pruned(simple), STEPS)));
