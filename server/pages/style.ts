/** The one style sheet of the pages; follows the light or dark preference of the reader. */
export const styleSheet = `
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --paper: #fff; --ink: #1c2430; --quiet: #5d6b7e; --line: #dfe4ea;
  --accent: #0b62d6; --good: #17803d; --bad: #b3261e; --wait: #8a5a00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12161c; --paper: #1b2129; --ink: #e7ecf2; --quiet: #9aa8b9; --line: #2e3743;
    --accent: #6ea8ff; --good: #58c27d; --bad: #ff8a80; --wait: #f0b95a;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
header { background: var(--paper); border-bottom: 1px solid var(--line); }
header div { max-width: 64rem; margin: 0 auto; padding: .75rem 1.25rem; display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: center; }
header strong { letter-spacing: .02em; }
header nav { display: flex; gap: 1rem; flex: 1; }
header form { display: flex; gap: .75rem; align-items: center; }
main { max-width: 64rem; margin: 2rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.5rem; margin: 0 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
a { color: var(--accent); }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: 1.25rem; margin-bottom: 1rem; }
.card > :first-child { margin-top: 0; } .card > :last-child { margin-bottom: 0; }
.narrow { max-width: 24rem; margin: 10vh auto 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 600; color: var(--quiet); font-size: .875rem; }
th, td { padding: .5rem .75rem .5rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
tr:last-child td { border-bottom: 0; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.quiet { color: var(--quiet); }
.completed { color: var(--good); } .failed { color: var(--bad); }
.partial, .cancelled, .queued, .running, .waiting { color: var(--wait); }
.message { border-left: 4px solid var(--bad); padding-left: 1rem; }
label { display: block; font-weight: 600; margin: .75rem 0 .25rem; }
input { width: 100%; font: inherit; padding: .5rem .75rem; border: 1px solid var(--line); border-radius: 6px; background: var(--ground); color: inherit; }
button { font: inherit; white-space: nowrap; padding: .45rem 1rem; border: 1px solid var(--line); border-radius: 6px; background: var(--paper); color: inherit; cursor: pointer; }
button.primary { background: var(--accent); border-color: var(--accent); color: var(--paper); margin-top: 1.25rem; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
progress { width: 100%; max-width: 14rem; accent-color: var(--accent); }
iframe { width: 100%; height: 60vh; border: 1px solid var(--line); border-radius: 10px; background: #fff; }
pre { overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
`;
