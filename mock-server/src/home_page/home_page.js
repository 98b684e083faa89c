'use strict';
// Follows the server: each time that it tells of a change, the page is asked for again, and what is new in it takes the
// place of what was there. The forms work without this.

const live = document.getElementById('live');
const news = document.getElementById('news');

// What is typed, chosen and unfolded stays, and so does the focus, wherever the new page still has a place for it.
function replace(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const unfolded = [...old.querySelectorAll('details')].map((details) => details.open);
  [...fresh.querySelectorAll('details')].forEach((details, at) => { details.open = unfolded[at] ?? false; });
  old.replaceWith(fresh);
  if (!focused) return;
  const links = [...fresh.querySelectorAll('a[href], summary')];
  links.find((link) => link.getAttribute('href') === focused.getAttribute('href'))?.focus();
}

function update(article, fresh) {
  const parts = (root) => new Map([...root.querySelectorAll('[data-part]')].map((part) => [part.dataset.part, part]));
  const [now, next] = [parts(article), parts(fresh)];
  for (const [name, part] of now) {
    if (next.has(name)) {
      // Buttons under a finger do not move: they go only when there is nothing left to decide.
      if (name !== 'waiting') replace(part, next.get(name));
      continue;
    }
    const hadFocus = part.contains(document.activeElement);
    part.remove();
    if (hadFocus) article.querySelector('h3').focus();
  }
  article.dataset.state = fresh.dataset.state;
}

// One sentence for each login that is new or stands otherwise, none for a poll.
function tell(before, fresh) {
  const text = (article, selector) => article.querySelector(selector).textContent;
  const sentences = [...fresh.querySelectorAll('#logins > article')]
    .filter((article) => before.get(article.id) !== article.dataset.state)
    .map((article) => `Device login ${text(article, 'h3')}: ${text(article, '.badge')}.`);
  if (sentences.length > 0) news.textContent = sentences.slice(0, 3).join(' ');
}

function take(fresh) {
  const logins = document.getElementById('logins');
  const before = new Map([...logins.querySelectorAll(':scope > article')].map((known) => [known.id, known.dataset.state]));
  tell(before, fresh);
  for (const part of document.querySelectorAll('[data-whole]')) {
    const next = fresh.getElementById(part.id);
    if (next) replace(part, next);
  }
  const wanted = [...fresh.getElementById('logins').children];
  const ids = new Set(wanted.map((child) => child.id));
  for (const child of [...logins.children]) if (!ids.has(child.id)) child.remove();
  wanted.forEach((next, at) => {
    const known = document.getElementById(next.id);
    if (!known) logins.insertBefore(next, logins.children[at] ?? null);
    else if (known.matches('article')) update(known, next);
  });
}

let asked = false;
let again = false;

async function refresh() {
  again = asked;
  if (asked) return;
  asked = true;
  try {
    const answer = await fetch(location.pathname, { headers: { accept: 'text/html' } });
    if (answer.ok) take(new DOMParser().parseFromString(await answer.text(), 'text/html'));
  } catch {
    // The stream tells that the server has gone, and when it is back.
  }
  // A burst of requests is one change to look at.
  setTimeout(() => {
    asked = false;
    if (again) refresh();
  }, 150);
}

const events = new EventSource(`${location.pathname.replace(/\/$/, '')}/_control/requests/stream?changes=true`);
events.addEventListener('open', () => {
  live.textContent = 'Live';
  live.dataset.state = 'on';
  refresh();
});
events.addEventListener('error', () => {
  live.textContent = 'The server does not answer; trying again';
  live.dataset.state = 'off';
});
events.addEventListener('changed', refresh);

setInterval(() => {
  for (const left of document.querySelectorAll('[data-seconds]')) {
    const seconds = Math.max(0, Number(left.dataset.seconds) - 1);
    left.dataset.seconds = seconds;
    left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  }
}, 1000);
