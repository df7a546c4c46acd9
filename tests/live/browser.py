# SPDX-License-Identifier: Apache-2.0
"""Drives headless Chromium over its debugging pipe, with nothing but Python's own library."""
import base64
import json
import os
import select
import subprocess
import time

FLAGS = ('--headless --no-sandbox --disable-gpu --disable-quic --no-first-run '
         '--disable-background-networking --disable-component-update --disable-sync '
         '--disable-default-apps --disable-extensions --no-default-browser-check '
         '--disable-domain-reliability --disable-client-side-phishing-detection '
         '--force-color-profile=srgb --remote-debugging-pipe').split()


class Browser:
    """One page in one browser; `events` holds what it said unasked."""

    def __init__(self, program, profile_dir, size=(1280, 800)):
        read, self.out = os.pipe()
        self.inp, write = os.pipe()
        self.pending, self.events, self.serial, self.session = b'', [], 0, None
        command = [program, *FLAGS, f'--user-data-dir={profile_dir}',
                   f'--window-size={size[0]},{size[1]}', 'about:blank']
        # the browser reads commands from 3 and answers on 4
        def wire():
            a, b = os.dup(read), os.dup(write)
            os.dup2(a, 3)
            os.dup2(b, 4)
            os.setpgid(0, 0)
        with open(os.path.join(profile_dir, 'log'), 'wb') as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, preexec_fn=wire, close_fds=False)
        os.close(read)
        os.close(write)
        pages = [t for t in self.call('Target.getTargets')['targetInfos'] if t['type'] == 'page']
        self.session = self.call('Target.attachToTarget', targetId=pages[0]['targetId'],
                                 flatten=True)['sessionId']
        for domain in 'Page', 'Runtime', 'Network', 'Log':
            self.call(domain + '.enable')
        self.size(*size)

    def close(self):
        try:
            self.session = None
            self.call('Browser.close', timeout=10)
            self.process.wait(10)
        except (OSError, RuntimeError, subprocess.TimeoutExpired):
            os.killpg(self.process.pid, 9)
            self.process.wait()

    def receive(self, timeout):
        """The next message, or None after `timeout` seconds."""
        end = time.monotonic() + timeout
        while b'\0' not in self.pending:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.inp], [], [], left)[0]:
                return None
            data = os.read(self.inp, 1 << 20)
            if not data:
                raise RuntimeError('the browser is gone')
            self.pending += data
        message, self.pending = self.pending.split(b'\0', 1)
        return json.loads(message)

    def call(self, method, timeout=60, **params):
        self.serial += 1
        message = {'id': self.serial, 'method': method, 'params': params}
        if self.session:
            message['sessionId'] = self.session
        os.write(self.out, json.dumps(message).encode() + b'\0')
        end = time.monotonic() + timeout
        while True:
            answer = self.receive(end - time.monotonic())
            if answer is None:
                raise RuntimeError(f'{method}: no answer within {timeout} s')
            if answer.get('id') == self.serial:
                if 'error' in answer:
                    raise RuntimeError(f'{method}: {answer["error"]["message"]}')
                return answer['result']
            if 'method' in answer:
                self.events.append(answer)

    def js(self, text):
        """The value of an expression in the page; promises are awaited."""
        r = self.call('Runtime.evaluate', expression=text, returnByValue=True, awaitPromise=True)
        if 'exceptionDetails' in r:
            raise RuntimeError(f'{text}: {r["exceptionDetails"]}')
        return r['result'].get('value')

    def open(self, path, fragment=''):
        self.call('Page.navigate', url='file://' + os.path.abspath(path) + fragment)
        self.wait("performance.getEntriesByName('usable').length > 0")

    def wait(self, text, seconds=30):
        end = time.monotonic() + seconds
        while not self.js(text):
            if time.monotonic() > end:
                raise RuntimeError('never true: ' + text)
            time.sleep(0.02)

    def painted(self):
        self.js('new Promise(r => requestAnimationFrame(() => setTimeout(r)))')

    def size(self, width, height, ratio=1, mobile=False):
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height,
                  deviceScaleFactor=ratio, mobile=mobile)

    def media(self, **features):
        self.call('Emulation.setEmulatedMedia', features=[
            {'name': k.replace('_', '-'), 'value': v} for k, v in features.items()])

    def mouse(self, kind, x, y, **more):
        self.call('Input.dispatchMouseEvent', type=kind, x=x, y=y, **more)

    def move(self, x, y):
        self.mouse('mouseMoved', x, y)
        self.painted()

    def click(self, x, y):
        for kind in 'mousePressed', 'mouseReleased':
            self.mouse(kind, x, y, button='left', clickCount=1)
        self.painted()

    def key(self, key):
        text = {'Enter': '\r'}.get(key, key if len(key) == 1 else None)
        code = {'Enter': 13, 'Escape': 27, 'Backspace': 8, 'ArrowLeft': 37, 'ArrowUp': 38,
                'ArrowRight': 39, 'ArrowDown': 40}.get(key, 0)
        more = {'text': text} if text else {}
        self.call('Input.dispatchKeyEvent', type='keyDown', key=key, windowsVirtualKeyCode=code,
                  **more)
        self.call('Input.dispatchKeyEvent', type='keyUp', key=key, windowsVirtualKeyCode=code)
        self.painted()

    def shot(self, path):
        data = self.call('Page.captureScreenshot', format='png')['data']
        with open(path, 'wb') as f:
            f.write(base64.b64decode(data))
