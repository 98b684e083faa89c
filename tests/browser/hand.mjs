// A hand for a headless Chromium: reads one JSON command a line, answers each with one JSON line.
// Ends with its stdin.
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
    // Whatever a page asks for beyond this machine is not found, at once.
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
  ],
  env: { ...process.env, XDG_CONFIG_HOME: tmpdir(), XDG_CACHE_HOME: tmpdir() },
});

let page;
let complaints;

const commands = {
  // A fresh browser profile with one page: { javascript: bool, phone: bool }.
  async start({ javascript = true, phone = false }) {
    await page?.context().close();
    const context = await browser.newContext({ ...(phone ? PHONE : DESK), javaScriptEnabled: javascript });
    context.setDefaultTimeout(20_000);
    page = await context.newPage();
    complaints = [];
    page.on('pageerror', (error) => complaints.push(`script error: ${error.message}`));
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
  value: ({ label }) => page.getByLabel(label).inputValue(),
  wait_for: async ({ text }) => void (await page.getByText(text).first().waitFor()),
  text: () => page.locator('body').innerText(),
  buttons: () => page.getByRole('button').allInnerTexts(),
  url: () => page.url(),
  complaints: () => complaints,
  // What a thumb meets: content wider than the screen, and the smallest control.
  async layout() {
    const boxes = await page.locator('button, input:not([type=hidden])').all();
    const sizes = (await Promise.all(boxes.map((box) => box.boundingBox()))).filter(Boolean);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    return {
      overflows: width > page.viewportSize().width,
      smallest_control: Math.min(...sizes.map((box) => box.height)),
    };
  },
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
    const isPlain = ['value', 'text', 'buttons', 'url', 'complaints', 'layout'].includes(command.do);
    console.log(JSON.stringify({ ok: isPlain ? result : null }));
  } catch (error) {
    const seen = await page?.locator('body').innerText().catch(() => '');
    console.log(JSON.stringify({ error: `${command.do}: ${error.message}`, seen }));
  }
}
await browser.close();
