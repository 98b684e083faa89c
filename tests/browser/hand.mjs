// A hand for a headless Chromium: reads one JSON command a line, answers each with one JSON line.
// Ends with its stdin.
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const PHONE = { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
const DESK = { viewport: { width: 1024, height: 768 } };

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    // A hostile site lives on this machine; whatever else a page asks for beyond it is not found, at once.
    '--host-resolver-rules=MAP attacker.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
  ],
  env: { ...process.env, XDG_CONFIG_HOME: tmpdir(), XDG_CACHE_HOME: tmpdir() },
});

let page;
let complaints;

const commands = {
  // A fresh browser profile with one page: { javascript: bool, phone: bool, scheme: 'light' or 'dark' }.
  async start({ javascript = true, phone = false, scheme = 'light' }) {
    await page?.context().close();
    const screen = phone ? PHONE : DESK;
    const context = await browser.newContext({ ...screen, javaScriptEnabled: javascript, colorScheme: scheme });
    context.setDefaultTimeout(20_000);
    page = await context.newPage();
    complaints = [];
    page.on('pageerror', (error) => complaints.push(`script error: ${error.message}`));
    page.on('dialog', (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`);
      dialog.dismiss().catch(() => {});
    });
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) complaints.push(message.text());
    });
    page.on('request', (request) => {
      const { hostname, protocol } = new URL(request.url());
      const here = protocol === 'data:' || hostname === '127.0.0.1' || hostname === 'localhost';
      if (!here) complaints.push(`asks ${hostname} for something`);
    });
  },
  open: ({ url }) => page.goto(url),
  fill: ({ label, text }) => page.getByLabel(label).fill(text),
  fill_placeholder: ({ placeholder, text }) => page.getByPlaceholder(placeholder).fill(text),
  press: ({ button }) => page.getByRole('button', { name: button, exact: true }).click(),
  press_enter: ({ label }) => page.getByLabel(label).press('Enter'),
  choose: async ({ label, option }) => void (await page.getByLabel(label).selectOption(option)),
  follow: ({ link }) => page.getByRole('link', { name: link }).click(),
  unfold: ({ summary }) => page.locator('summary', { hasText: summary }).click(),
  is_unfolded: ({ summary }) => page.locator('details', { hasText: summary }).evaluate((details) => details.open),
  key: ({ key }) => page.keyboard.press(key),
  type_text: ({ text }) => page.keyboard.type(text),
  focus_button: ({ button }) => page.getByRole('button', { name: button, exact: true }).focus(),
  // What has the focus, as its label or text says it.
  focused: () =>
    page.evaluate(() => {
      const here = document.activeElement;
      return (here.labels?.[0] ?? here).innerText.replace(/\s+/g, ' ').trim();
    }),
  focus_is_visible: () =>
    page.evaluate(() => {
      const style = getComputedStyle(document.activeElement);
      return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
    }),
  // What a screen reader was told last.
  announced: () => page.locator('[role=status]').textContent(),
  value: ({ label }) => page.getByLabel(label).inputValue(),
  wait_for: async ({ text }) => void (await page.getByText(text).first().waitFor()),
  text: () => page.locator('body').innerText(),
  buttons: () => page.getByRole('button').allInnerTexts(),
  url: () => page.url(),
  complaints: () => complaints,
  // What a thumb meets: content wider than the screen, and the smallest control.
  async layout() {
    const boxes = await page.locator('button, select, summary, fieldset label, input:not([type=hidden], [type=radio])').all();
    const sizes = (await Promise.all(boxes.map((box) => box.boundingBox()))).filter(Boolean);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    return {
      overflows: width > page.viewportSize().width,
      smallest_control: Math.min(...sizes.map((box) => box.height)),
    };
  },
  // Everything that axe has against the page.
  async axe() {
    await page.evaluate(readFileSync('node_modules/axe-core/axe.min.js', 'utf8'));
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    return violations.map(({ id, impact, nodes }) => ({ id, impact, where: nodes.map((node) => node.html.slice(0, 200)) }));
  },
  // How the page is built, element by element, and which of the texts stand nowhere on it.
  inspect: ({ texts }) =>
    page.evaluate((expected) => {
      const all = [...document.querySelectorAll('*')];
      const structure = all.map((element) => `${element.tagName} ${element.getAttributeNames().join(' ')}`);
      const values = all.map((element) => element.value ?? '').filter((value) => typeof value === 'string');
      const shown = [document.body.textContent, ...values].join('\n');
      return { structure, missing: expected.filter((text) => !shown.includes(text)) };
    }, texts),
  // Another origin on this machine, with this page; answers its URL.
  async serve({ host, html }) {
    const server = createServer((request, response) => {
      response.statusCode = request.url === '/' ? 200 : 404;
      response.setHeader('content-type', 'text/html; charset=utf-8');
      response.end(request.url === '/' ? html : '');
    });
    server.unref();
    await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
    return `http://${host}:${server.address().port}/`;
  },
  // The text of the page and of every frame in it.
  async framed() {
    await page.waitForLoadState('load');
    for (let round = 1; ; round++) {
      try {
        return await Promise.all(page.frames().map((frame) => frame.locator('html').textContent()));
      } catch (error) {
        // Where a frame is refused the browser puts its own page into another one: all of them are read again.
        if (round === 20 || !String(error).includes('Frame was detached')) throw error;
      }
    }
  },
  // A request of a program beside the browser: POST with this form.
  // On a connection of its own: one that is kept may be closed by the server just as it is used.
  send: ({ url, form }) =>
    new Promise((answered, failed) => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(form) };
      const sent = request(url, { method: 'POST', headers, agent: false }, (answer) => {
        let body = '';
        answer.setEncoding('utf8');
        answer.on('data', (part) => (body += part));
        answer.on('end', () => answered({ status: answer.statusCode, body }));
      });
      sent.on('error', failed).end(form);
    }),
  photograph: async ({ selector, path }) => void (await page.locator(selector).first().screenshot({ path })),
  // { html, width, height, path }: a picture of that page, pixel for pixel.
  async picture({ html, width, height, path }) {
    const context = await browser.newContext({ viewport: { width, height }, javaScriptEnabled: false });
    const canvas = await context.newPage();
    await canvas.setContent(html);
    await canvas.screenshot({ path });
    await context.close();
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  try {
    const result = await commands[command.do](command);
    // What playwright answers to a mere act is no JSON.
    const isPlain = !['open', 'fill', 'press', 'press_enter'].includes(command.do);
    console.log(JSON.stringify({ ok: (isPlain ? result : null) ?? null }));
  } catch (error) {
    const seen = await page?.locator('body').innerText().catch(() => '');
    console.log(JSON.stringify({ error: `${command.do}: ${error.message}`, seen }));
  }
}
await browser.close();
