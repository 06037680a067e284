// The only script of the pages, and every page works without it: times in the reader's zone, buttons that copy, and pages
// that follow what happens. What it puts into a page is what the server rendered for that page.
'use strict';
(() => {
  // In Swedish, the day and the time are written as RFC 3339 has them: 2026-01-31 13:00:05 CET.
  const local = new Intl.DateTimeFormat('sv', { dateStyle: 'short', timeStyle: 'long' });
  const decorate = (root) => {
    for (const it of root.querySelectorAll('time[datetime]')) {
      const here = local.format(new Date(it.dateTime)), utc = it.title || it.textContent;
      const isClock = it.textContent === utc;
      it.title = isClock ? utc : `${here} (${utc})`;
      if (isClock) it.textContent = here;
    }
    for (const it of root.querySelectorAll('[data-copy]')) {
      const button = root.ownerDocument.createElement('button');
      button.type = 'button';
      button.className = 'copy';
      button.textContent = 'Copy';
      button.setAttribute('aria-label', `Copy ${it.dataset.copy}`);
      it.after(button);
    }
  };
  decorate(document.body);

  const copied = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch { // Over plain HTTP, and in frames, browsers let only what is selected be copied.
      const area = document.createElement('textarea');
      area.value = text;
      area.className = 'unseen';
      document.body.append(area);
      area.select();
      const done = document.execCommand('copy');
      area.remove();
      return done;
    }
  };
  document.addEventListener('click', async ({ target }) => {
    const button = target.closest('button.copy');
    if (button) button.textContent = (await copied(button.previousElementSibling.textContent)) ? 'Copied' : 'Not copied';
  });

  const main = document.querySelector('main[data-live]');
  if (!main) return;
  // Makes `old` like `fresh` and keeps the elements, and with them focus, scroll, and what somebody opened or typed.
  const key = (it) => it.id || it.dataset?.key;
  const morph = (old, fresh) => {
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(old.nodeName) && old.type !== 'hidden') return;
    for (const { name } of [...old.attributes]) if (name !== 'open' && !fresh.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    const left = new Map();
    const wanted = new Set([...fresh.children].map(key));
    for (const it of [...old.children]) {
      if (!key(it)) continue;
      if (wanted.has(key(it)) && !left.has(key(it))) left.set(key(it), it);
      else it.remove();
    }
    let at = old.firstChild;
    for (const it of [...fresh.childNodes]) {
      const same = key(it) ? left.get(key(it)) : at && !key(at) ? at : null;
      if (same?.nodeName !== it.nodeName) {
        old.insertBefore(document.adoptNode(it), at);
        continue;
      }
      left.delete(key(it));
      if (same === at) at = at.nextSibling;
      else old.insertBefore(same, at);
      if (same.nodeType === 1) morph(same, it);
      else if (same.data !== it.data) same.data = it.data;
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  };

  let stream, timer, began = 0, took = 0, moved = 0;
  // Nothing moves under a hand that is about to click, nor while a text is marked.
  const isBusy = () => Date.now() - moved < 800 || (getSelection().type === 'Range' && main.contains(getSelection().anchorNode));
  const soon = (wait) => { timer ??= setTimeout(look, wait); };
  const look = () => {
    timer = null;
    if (document.hidden) return;
    if (isBusy()) return soon(500);
    began = Date.now();
    const ask = new XMLHttpRequest();
    ask.responseType = 'document';
    ask.open('GET', location.href);
    ask.onload = () => {
      took = Date.now() - began;
      const fresh = ask.response?.querySelector('main[data-live]');
      if (!fresh) return ask.status < 500 && location.replace(ask.responseURL);
      if (isBusy()) return soon(500);
      decorate(fresh);
      morph(main, fresh);
      document.title = ask.response.title;
    };
    ask.send();
  };
  const close = () => { stream = stream?.close(); };
  const open = () => {
    if (stream || document.hidden) return;
    stream = new EventSource(main.dataset.live);
    stream.onmessage = () => soon(Math.max(0, began + Math.max(2000, 10 * took) - Date.now()));
    stream.onerror = () => {
      if (stream?.readyState !== 2) return;
      close();
      soon(0);
      setTimeout(open, 30000);
    };
  };
  for (const kind of ['pointermove', 'pointerdown']) main.addEventListener(kind, () => { moved = Date.now(); });
  document.addEventListener('visibilitychange', () => (document.hidden ? close() : open()));
  addEventListener('pagehide', close);
  addEventListener('pageshow', open);
  open();
})();
