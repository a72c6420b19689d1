'use strict';
(() => {
  const $ = (id) => document.getElementById(id);
  const sets = JSON.parse($('data').textContent);
  const canvas = $('plot');
  const pen = canvas.getContext('2d');
  // Okabe and Ito's colours, which colour-blind people can tell apart, and six more.
  const KINDS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00',
    '#8f7ee0', '#8a6d3b', '#5fa641', '#b8325e', '#3aa6a0', '#a3a000'];
  const OTHER = '#8b95a3';
  const RAMP = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  const STEPS = 24;
  const LISTED = 60;
  const start = { yaw: 0.6, pitch: 0.35, zoom: 1, x: 0, y: 0 };

  let set, count, points, edges, texts, colours, palette, shown, view, deep;
  let place = new Float32Array(0);  // x, y and depth of each point on the screen
  let near = -1;
  let chosen = -1;
  let sprite = null;
  let waiting = false;

  const element = (name, text, parent) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;  // never as HTML: it is what users wrote
    if (parent) parent.append(made);
    return made;
  };
  const word = (value) => (value === null || value === undefined ? '' : String(value));

  function open(number) {
    set = sets[number];
    count = set.count;
    const bytes = Uint8Array.from(atob(set.points), (c) => c.charCodeAt(0));
    points = new Float32Array(bytes.buffer);
    edges = set.edges || [];
    texts = new Array(count);
    const names = Object.keys(set.columns);
    for (let i = 0; i < count; i++) {
      texts[i] = names.map((name) => word(set.columns[name][i])).join('\n').toLowerCase();
    }
    place = new Float32Array(3 * count);
    near = chosen = -1;
    $('title').textContent = document.title = set.title;
    $('about').textContent = set.about;
    canvas.setAttribute('aria-label', `${set.title}: ${set.about}`);
    $('colour').replaceChildren(new Option('nothing', ''), ...names.map((name) => new Option(name, name)));
    $('colour').value = set.colour in set.columns ? set.colour : '';
    $('size').value = count > 5000 ? 2 : count > 500 ? 3.5 : 5;
    $('search').value = '';
    $('pictures').hidden = !set.sprite;
    $('images').checked = Boolean(set.sprite);
    sprite = null;
    if (set.sprite) {
      const picture = new Image();
      picture.onload = () => { sprite = picture; draw(); };
      picture.src = set.sprite.image;
    }
    deep = set.axes.length > 2 && set.deep;
    $('deep').disabled = set.axes.length < 3;
    (deep ? $('deep') : $('flat')).checked = true;
    paint();
    reset();
    search();
    choose(-1);
  }

  function reset() {
    view = { ...start };
    $('drag').textContent = deep ? 'turn (with Shift to move)' : 'move';
    draw();
  }

  // -- colours ---------------------------------------------------------------

  function ramp(part) {
    const at = Math.min(part, 0.9999) * (RAMP.length - 1);
    const [low, high] = [RAMP[Math.floor(at)], RAMP[Math.floor(at) + 1]];
    return `rgb(${low.map((c, i) => Math.round(c + (high[i] - c) * (at % 1))).join(',')})`;
  }

  function paint() {
    const name = $('colour').value;
    const values = name ? set.columns[name] : null;
    const legend = $('legend');
    legend.replaceChildren();
    colours = new Uint8Array(count);
    palette = [values ? OTHER : KINDS[0]];
    if (values) {
      const tally = new Map();
      for (const value of values) tally.set(value, (tally.get(value) || 0) + 1);
      const numbers = values.filter((value) => typeof value === 'number');
      const measured = numbers.length && values.every((v) => v === null || typeof v === 'number');
      if (measured && tally.size > KINDS.length) byNumber(values, numbers, legend);
      else byKind(values, tally, legend);
    }
    draw();
  }

  function byNumber(values, numbers, legend) {
    const [low, high] = numbers.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
    for (let step = 0; step < STEPS; step++) palette.push(ramp(step / (STEPS - 1)));
    values.forEach((value, i) => {
      if (value !== null) colours[i] = 1 + Math.round(((value - low) / (high - low || 1)) * (STEPS - 1));
    });
    const bar = element('i', undefined, element('li', undefined, legend));
    bar.className = 'ramp';
    bar.style.background = `linear-gradient(to right, ${palette.slice(1).join(', ')})`;
    const ends = element('li', undefined, legend);
    ends.className = 'ends';
    for (const end of [low, high]) element('span', String(Number(end.toPrecision(4))), ends);
  }

  function byKind(values, tally, legend) {
    const kinds = [...tally.keys()].filter((kind) => kind !== null)
      .sort((a, b) => tally.get(b) - tally.get(a)).slice(0, KINDS.length);
    const number = new Map(kinds.map((kind, i) => [kind, i + 1]));
    palette.push(...KINDS.slice(0, kinds.length));
    values.forEach((value, i) => { colours[i] = number.get(value) || 0; });
    const rest = values.length - kinds.reduce((sum, kind) => sum + tally.get(kind), 0);
    const rows = kinds.map((kind, i) => [word(kind) || '(empty)', tally.get(kind), palette[i + 1]]);
    if (rest) rows.push(['(others)', rest, OTHER]);
    for (const [label, amount, colour] of rows) {
      const row = element('li', undefined, legend);
      element('i', undefined, row).style.background = colour;
      element('span', `${label} (${amount.toLocaleString('en')})`, row);
    }
  }

  // -- drawing ---------------------------------------------------------------

  function draw() {
    if (!waiting) requestAnimationFrame(() => { waiting = false; render(); });
    waiting = true;
  }

  function project(width, height) {
    const scale = 0.46 * Math.min(width, height) * view.zoom;
    const [cy, sy] = [Math.cos(view.yaw), Math.sin(view.yaw)];
    const [cp, sp] = [Math.cos(view.pitch), Math.sin(view.pitch)];
    for (let i = 0; i < 3 * count; i += 3) {
      let [x, y, z] = [points[i], points[i + 1], 0];
      if (deep) {
        const side = cy * x + sy * points[i + 2];
        const back = cy * points[i + 2] - sy * x;
        [x, y, z] = [side, cp * y - sp * back, cp * back + sp * y];
        const far = 2.6 / (2.6 + z);
        [x, y] = [0.85 * x * far, 0.85 * y * far];
      }
      place[i] = width / 2 + view.x + x * scale;
      place[i + 1] = height / 2 + view.y - y * scale;
      place[i + 2] = z;
    }
  }

  function order() {
    // The far ones first; sorted into 256 drawers, which is fast and fine enough.
    const drawer = (i) => Math.max(0, Math.min(255, Math.floor((2 - place[3 * i + 2]) * 64)));
    const heads = new Uint32Array(257);
    for (let i = 0; i < count; i++) heads[drawer(i) + 1]++;
    for (let d = 0; d < 256; d++) heads[d + 1] += heads[d];
    const sorted = new Uint32Array(count);
    for (let i = 0; i < count; i++) sorted[heads[drawer(i)]++] = i;
    return sorted;
  }

  function stamps(radius, ratio) {
    return palette.map((colour) => {
      const stamp = document.createElement('canvas');
      stamp.width = stamp.height = Math.ceil(2 * (radius + 1) * ratio);
      const ink = stamp.getContext('2d');
      ink.fillStyle = colour;
      ink.beginPath();
      ink.arc(stamp.width / 2, stamp.width / 2, radius * ratio, 0, 7);
      ink.fill();
      return stamp;
    });
  }

  function render() {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    project(width, height);
    lines();
    const radius = Number($('size').value);
    const images = sprite && $('images').checked;
    const marks = images ? null : stamps(radius, ratio);
    const side = images ? Math.max(12, radius * 6) : 2 * (radius + 1);
    const sorted = deep ? order() : null;
    for (const lit of shown ? [false, true] : [true]) {  // what was found lies above the rest
      pen.globalAlpha = lit ? (images ? 1 : 0.85) : 0.08;
      for (let at = 0; at < count; at++) {
        const i = sorted ? sorted[at] : at;
        if (shown && Boolean(shown[i]) !== lit) continue;
        const [x, y] = [place[3 * i] - side / 2, place[3 * i + 1] - side / 2];
        if (x < -side || y < -side || x > width || y > height) continue;
        if (images) cell(i, x, y, side);
        else pen.drawImage(marks[colours[i]], x, y, side, side);
      }
    }
    pen.globalAlpha = 1;
    for (const i of [chosen, near]) if (i >= 0) ring(i, side / 2 + 2);
    if (near >= 0) tip();
  }

  function lines() {
    pen.strokeStyle = OTHER;
    pen.globalAlpha = 0.5;
    pen.lineWidth = 1;
    pen.beginPath();
    for (const [a, b] of edges) {
      pen.moveTo(place[3 * a], place[3 * a + 1]);
      pen.lineTo(place[3 * b], place[3 * b + 1]);
    }
    pen.stroke();
  }

  function cell(i, x, y, side, ink = pen) {
    const { size, columns } = set.sprite;
    ink.drawImage(sprite, (i % columns) * size, Math.floor(i / columns) * size, size, size, x, y, side, side);
  }

  function ring(i, radius) {
    pen.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue('--ring');
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(place[3 * i], place[3 * i + 1], radius, 0, 7);
    pen.stroke();
  }

  // -- one point ---------------------------------------------------------------

  function label(i) {
    const { columns } = set;
    return word((columns.text || columns.id || [])[i]) || word((columns.id || [])[i]) || `point ${i}`;
  }

  function picture(i, side, parent) {
    if (!sprite) return;
    const made = element('canvas', undefined, parent);
    made.className = 'picture';
    made.width = made.height = side;
    cell(i, 0, 0, side, made.getContext('2d'));
  }

  function tip() {
    const box = $('tip');
    if (box.hidden || box.dataset.point !== String(near)) {
      box.dataset.point = near;
      box.replaceChildren();
      picture(near, 96, box);
      element('div', label(near), box);
      box.hidden = false;
    }
    const [x, y] = [place[3 * near], place[3 * near + 1]];
    const left = Math.min(x + 14, canvas.clientWidth - box.offsetWidth - 4);
    const top = y + 14 + box.offsetHeight > canvas.clientHeight ? y - box.offsetHeight - 14 : y + 14;
    box.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
  }

  function hover(i) {
    if (i === near) return;
    near = i;
    if (i < 0) $('tip').hidden = true;
    draw();
  }

  function choose(i) {
    chosen = i;
    const box = $('chosen');
    box.replaceChildren();
    if (i >= 0) {
      element('h2', `Point ${i + 1} of ${count.toLocaleString('en')}`, box);
      picture(i, 160, box);
      const list = element('dl', undefined, box);
      for (const [name, values] of Object.entries(set.columns)) {
        if (word(values[i]) !== '') {
          element('dt', name, list);
          element('dd', word(values[i]), list);
        }
      }
    }
    for (const button of $('hits').querySelectorAll('button')) {
      button.setAttribute('aria-current', String(Number(button.dataset.point) === i));
    }
    draw();
  }

  function nearest(x, y) {
    let [best, least] = [-1, (Number($('size').value) + 8) ** 2];
    for (let i = 0; i < count; i++) {
      if (shown && !shown[i]) continue;
      const far = (place[3 * i] - x) ** 2 + (place[3 * i + 1] - y) ** 2;
      if (far < least) [best, least] = [i, far];
    }
    return best;
  }

  // -- search ------------------------------------------------------------------

  function search() {
    const words = $('search').value.toLowerCase().split(/\s+/).filter(Boolean);
    const list = $('hits');
    list.replaceChildren();
    shown = words.length ? new Uint8Array(count) : null;
    let found = 0;
    for (let i = 0; i < count && words.length; i++) {
      if (!words.every((w) => texts[i].includes(w))) continue;
      shown[i] = 1;
      if (found++ < LISTED) entry(i, list);
    }
    $('found').textContent = words.length ? `${found.toLocaleString('en')} of ${count.toLocaleString('en')} points` : '';
    $('listed').textContent = words.length
      ? `Points found${found > LISTED ? ` (the first ${LISTED})` : ''}` : 'Search, or click a point';
    hover(-1);
    draw();
  }

  function entry(i, list) {
    const button = element('button', label(i), element('li', undefined, list));
    button.type = 'button';
    button.dataset.point = i;
    button.onclick = () => choose(i);
    button.onfocus = button.onmouseenter = () => hover(i);
    button.onblur = button.onmouseleave = () => hover(-1);
  }

  // -- hands -------------------------------------------------------------------

  const held = new Map();
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    held.set(event.pointerId, { x: event.offsetX, y: event.offsetY, moved: 0 });
  });
  canvas.addEventListener('pointermove', (event) => {
    const hand = held.get(event.pointerId);
    if (!hand) { hover(nearest(event.offsetX, event.offsetY)); return; }
    const [dx, dy] = [event.offsetX - hand.x, event.offsetY - hand.y];
    const others = [...held.values()].filter((other) => other !== hand);
    if (others.length) {  // two fingers: the distance between them is the zoom
      const apart = (x, y) => Math.hypot(x - others[0].x, y - others[0].y) || 1;
      zoom(apart(event.offsetX, event.offsetY) / apart(hand.x, hand.y), event.offsetX, event.offsetY);
    } else move(dx, dy, event.shiftKey);
    Object.assign(hand, { x: event.offsetX, y: event.offsetY, moved: hand.moved + Math.abs(dx) + Math.abs(dy) });
  });
  for (const name of ['pointerup', 'pointercancel']) {
    canvas.addEventListener(name, (event) => {
      const hand = held.get(event.pointerId);
      held.delete(event.pointerId);
      if (name === 'pointerup' && hand && hand.moved < 4) choose(nearest(event.offsetX, event.offsetY));
    });
  }
  canvas.addEventListener('pointerleave', () => hover(-1));
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * 0.0015), event.offsetX, event.offsetY);
  }, { passive: false });

  function move(dx, dy, slide) {
    if (deep && !slide) {
      view.yaw += dx * 0.008;
      view.pitch = Math.max(-1.5, Math.min(1.5, view.pitch + dy * 0.008));
    } else {
      view.x += dx;
      view.y += dy;
    }
    draw();
  }

  function zoom(by, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
    const next = Math.max(0.2, Math.min(500, view.zoom * by));
    const real = next / view.zoom;
    const [cx, cy] = [x - canvas.clientWidth / 2, y - canvas.clientHeight / 2];
    Object.assign(view, { zoom: next, x: cx - (cx - view.x) * real, y: cy - (cy - view.y) * real });
    draw();
  }

  function step(by) {
    for (let n = 0, i = chosen < 0 && by < 0 ? 0 : chosen; n < count; n++) {
      i = (i + by + count) % count;
      if (!shown || shown[i]) { choose(i); return; }
    }
  }

  const KEYS = {
    ArrowLeft: () => move(-20, 0), ArrowRight: () => move(20, 0),
    ArrowUp: () => move(0, -20), ArrowDown: () => move(0, 20),
    '+': () => zoom(1.25), '=': () => zoom(1.25), '-': () => zoom(0.8), 0: reset,
    n: () => step(1), p: () => step(-1), Escape: () => { hover(-1); choose(-1); },
  };
  canvas.addEventListener('keydown', (event) => {
    if (event.key in KEYS && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      KEYS[event.key]();
    }
  });

  function theme(dark) {
    document.documentElement.classList.toggle('dark', dark);
    $('theme').setAttribute('aria-pressed', String(dark));
    draw();
  }

  $('controls').addEventListener('submit', (event) => event.preventDefault());
  $('search').addEventListener('input', search);
  $('colour').addEventListener('change', paint);
  $('size').addEventListener('input', draw);
  $('images').addEventListener('change', draw);
  $('reset').addEventListener('click', reset);
  $('flat').addEventListener('change', () => { deep = false; reset(); });
  $('deep').addEventListener('change', () => { deep = true; reset(); });
  $('theme').addEventListener('click', () => theme(!document.documentElement.classList.contains('dark')));
  $('set').addEventListener('change', () => open(Number($('set').value)));
  new ResizeObserver(draw).observe(canvas);
  sets.forEach((each, i) => $('set').append(new Option(each.title, i)));
  $('sets').hidden = sets.length < 2;
  theme(window.matchMedia('(prefers-color-scheme: dark)').matches);
  open(0);

  // What tests, and people in the console, look at.
  window.docstorePlot = {
    get count() { return count; },
    get near() { return near; },
    get chosen() { return chosen; },
    at: (i) => [place[3 * i], place[3 * i + 1]],
  };
})();
