/**
 * The demo's own sample pictures, drawn as SVG from a seed and encoded as JPEG or PNG with metadata: varied enough to tell
 * apart in a mail or archive, the same on every machine, and nobody's copyright.
 */
import sharp from 'sharp';

export interface Picture {
  readonly file: string;
  readonly title: string;
  readonly mimeType: 'image/jpeg' | 'image/png';
  readonly bytes: Buffer;
}

interface Scene {
  readonly name: string;
  readonly title: string;
  readonly width: number;
  readonly height: number;
  readonly format: 'jpeg' | 'png';
  readonly draw: (random: () => number, width: number, height: number) => string;
}

/** Mulberry32: a small generator with a seed, so that the pictures never change. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function seedOf(text: string): number {
  // FNV-1a over the UTF-8 bytes.
  return Buffer.from(text).reduce((hash, byte) => Math.imul(hash ^ byte, 16_777_619), 2_166_136_261);
}

function gradient(id: string, stops: readonly string[], vertical = true): string {
  const step = 100 / (stops.length - 1);
  return `<linearGradient id="${id}" x1="0" y1="0" x2="${vertical ? 0 : 1}" y2="${vertical ? 1 : 0}">${stops
    .map((color, index) => `<stop offset="${(index * step).toFixed(1)}%" stop-color="${color}"/>`)
    .join('')}</linearGradient>`;
}

/** A jagged or soft skyline from edge to edge, closed along the bottom. */
function ridge(
  random: () => number,
  width: number,
  height: number,
  base: number,
  rough: number,
  points: number,
): string {
  const step = width / points;
  const tops = Array.from({ length: points + 1 }, (_, index) => {
    const wave = Math.sin(index * 0.9 + base / 90) * rough * 0.5;
    return `${(index * step).toFixed(0)},${(base - wave - random() * rough).toFixed(0)}`;
  });
  return `M0,${height} L${tops.join(' L')} L${width},${height} Z`;
}

function mountains(sky: readonly string[], layers: readonly string[], sun: string): Scene['draw'] {
  return (random, width, height) => {
    const sunX = width * (0.2 + random() * 0.6);
    const sunY = height * (0.22 + random() * 0.18);
    const shapes = layers.map((color, index) => {
      const base = height * (0.45 + (index * 0.5) / layers.length);
      return `<path d="${ridge(random, width, height, base, height * (0.2 - index * 0.03), 9 + index * 5)}" fill="${color}"/>`;
    });
    return `<defs>${gradient('sky', sky)}<radialGradient id="glow"><stop offset="0" stop-color="${sun}" stop-opacity=".9"/><stop offset="1" stop-color="${sun}" stop-opacity="0"/></radialGradient></defs>
<rect width="100%" height="100%" fill="url(#sky)"/><circle cx="${sunX}" cy="${sunY}" r="${height * 0.42}" fill="url(#glow)"/><circle cx="${sunX}" cy="${sunY}" r="${height * 0.075}" fill="${sun}"/>${shapes.join('')}`;
  };
}

function northernLights(random: () => number, width: number, height: number): string {
  const stars = Array.from({ length: 260 }, () => {
    const opacity = (0.3 + random() * 0.7).toFixed(2);
    return `<circle cx="${(random() * width).toFixed(0)}" cy="${(random() * height * 0.75).toFixed(0)}" r="${(0.8 + random() * 2).toFixed(1)}" fill="#fff" opacity="${opacity}"/>`;
  });
  const curtains = ['#4ade80', '#22d3ee', '#a78bfa'].map((color, index) => {
    const y = height * (0.22 + index * 0.1);
    const bend = height * 0.22;
    return `<path d="M${-width * 0.1},${y + bend} C${width * 0.25},${y - bend} ${width * (0.4 + random() * 0.2)},${y + bend} ${width * 1.1},${y - bend * 0.6}" stroke="${color}" stroke-width="${height * 0.13}" fill="none" opacity=".45" filter="url(#soft)"/>`;
  });
  return `<defs>${gradient('night', ['#020617', '#0b2447', '#134e5e'])}<filter id="soft" x="-20%" y="-40%" width="140%" height="180%"><feGaussianBlur stdDeviation="${(height * 0.035).toFixed(0)}"/></filter></defs>
<rect width="100%" height="100%" fill="url(#night)"/>${stars.join('')}${curtains.join('')}<path d="${ridge(random, width, height, height * 0.86, height * 0.14, 22)}" fill="#020617"/>`;
}

function sea(random: () => number, width: number, height: number): string {
  const waves = Array.from({ length: 9 }, (_, row) => {
    const y = height * (0.5 + row * 0.055);
    const swing = height * (0.008 + row * 0.003);
    const points = Array.from({ length: 25 }, (_, column) => {
      const lift = Math.sin(column * 0.8 + row + random() * 0.7) * swing;
      return `${((column * width) / 24).toFixed(0)},${(y + lift).toFixed(0)}`;
    });
    return `<path d="M0,${height} L${points.join(' L')} L${width},${height} Z" fill="hsl(${198 + row * 2},${62 + row * 2}%,${58 - row * 5}%)"/>`;
  });
  const boatX = width * (0.3 + random() * 0.4);
  const boatY = height * 0.53;
  const unit = height * 0.05;
  return `<defs>${gradient('air', ['#fde68a', '#fdba74', '#f9a8d4', '#bae6fd'])}</defs><rect width="100%" height="100%" fill="url(#air)"/>${waves.slice(0, 2).join('')}
<path d="M${boatX - unit * 1.6},${boatY} h${unit * 3.2} l${-unit * 0.7},${unit * 0.8} h${-unit * 1.9} Z" fill="#7c2d12"/><path d="M${boatX},${boatY - unit * 0.1} V${boatY - unit * 3.4} L${boatX + unit * 1.7},${boatY - unit * 0.5} Z" fill="#fff7ed"/><path d="M${boatX - unit * 0.2},${boatY - unit * 0.4} V${boatY - unit * 2.8} L${boatX - unit * 1.3},${boatY - unit * 0.5} Z" fill="#fed7aa"/>${waves.slice(2).join('')}`;
}

function forest(random: () => number, width: number, height: number): string {
  const trees = Array.from({ length: 4 }, (_, row) =>
    Array.from({ length: 16 + row * 3 }, () => {
      const x = random() * width;
      const size = height * (0.16 + row * 0.07 + random() * 0.08);
      const foot = height * (0.62 + row * 0.12);
      const color = `hsl(${150 + random() * 25},${28 + row * 8}%,${46 - row * 11}%)`;
      return [0, 0.28, 0.52]
        .map((step, index) => {
          const top = foot - size + step * size;
          const half = size * (0.14 + index * 0.07);
          return `<path d="M${x.toFixed(0)},${top.toFixed(0)} l${half.toFixed(0)},${(size * 0.48).toFixed(0)} h${(-half * 2).toFixed(0)} Z" fill="${color}"/>`;
        })
        .join('');
    }).join(''),
  );
  return `<defs>${gradient('mist', ['#ecfeff', '#d1fae5', '#6ee7b7'])}</defs><rect width="100%" height="100%" fill="url(#mist)"/>${trees.map((row, index) => `${row}<rect y="${height * (0.6 + index * 0.12)}" width="100%" height="${height * 0.5}" fill="hsl(152,${24 + index * 8}%,${52 - index * 11}%)" opacity=".75"/>`).join('')}`;
}

function poster(palette: readonly string[]): Scene['draw'] {
  return (random, width, height) => {
    const unit = Math.min(width, height) / 4;
    const tiles: string[] = [];
    for (let y = 0; y < height; y += unit) {
      for (let x = 0; x < width; x += unit) {
        const back = palette[Math.floor(random() * palette.length)] ?? '#fff';
        const front = palette[Math.floor(random() * palette.length)] ?? '#000';
        const turn = Math.floor(random() * 4) * 90;
        const shape = [
          `<path d="M0,0 A${unit},${unit} 0 0 1 ${unit},${unit} L0,${unit} Z" fill="${front}"/>`,
          `<circle cx="${unit / 2}" cy="${unit / 2}" r="${unit * 0.36}" fill="${front}"/>`,
          `<path d="M0,0 L${unit},0 L0,${unit} Z" fill="${front}"/>`,
        ][Math.floor(random() * 3)];
        tiles.push(
          `<g transform="translate(${x},${y})"><rect width="${unit + 1}" height="${unit + 1}" fill="${back}"/><g transform="rotate(${turn},${unit / 2},${unit / 2})">${shape ?? ''}</g></g>`,
        );
      }
    }
    return tiles.join('');
  };
}

const scenes: readonly Scene[] = [
  {
    name: 'first-light.jpg',
    title: 'First light over the ridge',
    width: 2400,
    height: 1600,
    format: 'jpeg',
    draw: mountains(['#1e3a8a', '#f97316', '#fde68a'], ['#7c3aed', '#5b21b6', '#3b0764', '#1e1b4b'], '#fff3c4'),
  },
  {
    name: 'alpine-noon.jpg',
    title: 'Noon in the high valley',
    width: 2400,
    height: 1600,
    format: 'jpeg',
    draw: mountains(['#38bdf8', '#bae6fd', '#f0f9ff'], ['#94a3b8', '#64748b', '#4d7c0f', '#365314'], '#ffffff'),
  },
  {
    name: 'ember-canyon.jpg',
    title: 'Ember canyon',
    width: 1600,
    height: 2400,
    format: 'jpeg',
    draw: mountains(['#431407', '#c2410c', '#fdba74'], ['#b45309', '#9a3412', '#7c2d12', '#450a0a'], '#ffedd5'),
  },
  {
    name: 'northern-lights.jpg',
    title: 'Northern lights',
    width: 2400,
    height: 1500,
    format: 'jpeg',
    draw: northernLights,
  },
  { name: 'evening-sail.jpg', title: 'Evening sail', width: 2400, height: 1600, format: 'jpeg', draw: sea },
  { name: 'quiet-forest.jpg', title: 'Quiet forest', width: 2000, height: 2000, format: 'jpeg', draw: forest },
  {
    name: 'festival poster.png',
    title: 'Festival poster',
    width: 1400,
    height: 2000,
    format: 'png',
    draw: poster(['#0f172a', '#f43f5e', '#fbbf24', '#fef3c7', '#14b8a6']),
  },
  {
    name: 'Lageplan Übersicht.png',
    title: 'Lageplan, Übersicht',
    width: 1800,
    height: 1200,
    format: 'png',
    draw: poster(['#082f49', '#0ea5e9', '#e0f2fe', '#fde047', '#f8fafc']),
  },
];

/** The eight sample pictures of a collection; each collection's are its own. */
export async function drawPictures(collection: string): Promise<Picture[]> {
  const pictures: Picture[] = [];
  for (const { name, title, width, height, format, draw } of scenes) {
    const random = seeded(seedOf(`${collection}/${name}`));
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${draw(random, width, height)}</svg>`;
    const image = sharp(Buffer.from(svg)).withExif({
      IFD0: { ImageDescription: title, Artist: 'Satchel demo', Copyright: 'Public domain (CC0)' },
    });
    const bytes = await (format === 'jpeg' ? image.jpeg({ quality: 88 }) : image.png({ palette: true })).toBuffer();
    pictures.push({ file: name, title, mimeType: `image/${format}`, bytes });
  }
  return pictures;
}
