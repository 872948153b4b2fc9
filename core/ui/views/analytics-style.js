// The style of the pages of analytics: it comes with them, since few look at them. The rules of `u-` are what uPlot
// needs to lay itself out.

export const STYLE = new CSSStyleSheet();
STYLE.replaceSync(`
sb-analytics, sb-chart, sb-figures { display: block; min-inline-size: 0; }
.sheet section { display: grid; gap: 0.5rem; min-inline-size: 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: 0.6rem; }
.figure { display: grid; justify-content: start; justify-items: start; align-content: space-between; text-align: start; gap: 0.1rem; border-color: var(--line); }
.figure strong { font-size: 1.3rem; font-weight: 600; }
.figure[aria-expanded="true"] { border-color: var(--accent); background: var(--tint); }
sb-figures .note { margin-block-start: 0.6rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: 1.25rem; }
.chart { margin: 0; display: grid; gap: 0.4rem; min-inline-size: 0; }
.chart figcaption { font-weight: 600; font-size: 0.95rem; display: flex; flex-wrap: wrap; gap: 0.15rem 1rem; justify-content: space-between; }
.chart summary { cursor: pointer; }
.keys { display: flex; flex-wrap: wrap; gap: 0 0.9rem; font-weight: 400; }
.keys > span::before { content: ""; display: inline-block; inline-size: 0.9rem; block-size: 0.2rem; margin-inline-end: 0.35rem; vertical-align: middle; background: var(--accent); }
.keys > .key-1::before { background: var(--wait); }
.keys > .key-2::before { background: var(--bad); }
.keys > .key-3::before { background: var(--soft); }
.plot { min-block-size: 170px; overflow: hidden; }
.wide-table { overflow: auto; max-block-size: 24rem; border: 1px solid var(--line); border-radius: var(--round); }
.wide-table table { border-collapse: collapse; inline-size: 100%; font-size: 0.9rem; }
.wide-table th, .wide-table td { padding: 0.3rem 0.7rem; text-align: start; border-block-end: 1px solid var(--line); font-weight: 400; overflow-wrap: normal; }
.wide-table thead th { font-weight: 600; background: var(--side); position: sticky; inset-block-start: 0; }
.wide-table td { font-variant-numeric: tabular-nums; }
.meanings summary { cursor: pointer; }
.meanings dl { display: grid; gap: 0.2rem; margin-block-start: 0.6rem; }
.meanings dt { font-weight: 600; margin-block-start: 0.5rem; }
.meanings dt code { font-weight: 400; color: var(--soft); }
.uplot, .uplot *, .uplot *::before, .uplot *::after { box-sizing: border-box; }
.uplot { line-height: 1.5; inline-size: min-content; }
.u-wrap { position: relative; user-select: none; }
.u-over, .u-under { position: absolute; }
.u-under { overflow: hidden; }
.uplot canvas { display: block; position: relative; width: 100%; height: 100%; }
.u-axis { position: absolute; }
.u-select { position: absolute; pointer-events: none; }
.u-cursor-x, .u-cursor-y { position: absolute; left: 0; top: 0; pointer-events: none; }
.u-hz .u-cursor-x { height: 100%; border-right: 1px dashed var(--soft); }
.u-hz .u-cursor-y { width: 100%; border-bottom: 1px dashed var(--soft); }
.u-cursor-pt { position: absolute; top: 0; left: 0; border-radius: 50%; pointer-events: none; }
.u-off { display: none; }
`);
