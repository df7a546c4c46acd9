#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The flame graph page in headless Chromium, for page.sh.

    page.py check CHROMIUM PAGE FACTS FOLDER   TAP lines; screenshots into FOLDER
    page.py time CHROMIUM PAGE…                usable, zoom, search, table, memory of each page

FACTS is what `test_html` said when it wrote the page: lines of `share WORD PERCENT`.
"""
import os
import re
import shutil
import sys
import tempfile
import traceback

from browser import Browser

checks = []


def check(name):
    def add(test):
        checks.append((name, test))
        return test
    return add


def is_true(value, what=''):
    if not value:
        raise AssertionError(f'{what or "expected"}: {value!r}')


def equal(got, want):
    if got != want:
        raise AssertionError(f'got {got!r}, want {want!r}')


def text(b, selector):
    return b.js(f'document.querySelector({selector!r}).textContent')


def visible(b, selector):
    return b.js(f'document.querySelector({selector!r}).offsetParent !== null')


def type_in(b, what):
    b.key('/')
    for c in what:
        b.key(c)
    b.painted()


def box(b, condition):
    """Middle of the first painted box for which a condition on `i` holds, in the window."""
    return b.js('(() => { const c = canvas.getBoundingClientRect();'
                f'const i = V.items.find(i => {condition}); return i && [c.x + i.x + i.w / 2, '
                'c.y + i.y + 8, i.node]; })()')


def reset(b):
    b.js("go({ zoom: '', query: '', view: '', order: '', theme: '', fn: '', counter: '' }, false)")
    b.js("document.activeElement.blur(); V.focus = null")
    b.mouse('mouseMoved', 2, 2)
    b.painted()


@check('page: the first screen has labels, and all text of it is within its boxes')
def first_screen(b, facts):
    is_true(b.js('V.items.filter(i => i.label).length') >= 60, 'labels')
    equal(b.js('V.items.filter(i => i.label && i.label.length * V.charWidth > i.w).length'), 0)
    is_true('samples' in text(b, '#status'))
    is_true('lost' in text(b, '#note') and 'fallback' in text(b, '#note'), 'notes')


@check('page: search says the exact share, plain and by regular expression')
def search(b, facts):
    for word in 'alloc', 'script':
        for query in word, f'/{word}/i':
            reset(b)
            type_in(b, query)
            found = text(b, '#found')
            is_true(found.startswith(facts[word] + ' %'), f'{query}: {found}, want {facts[word]}')
    reset(b)
    type_in(b, '/(/')
    equal(text(b, '#found'), 'not a regular expression')
    equal(b.js("$('query').getAttribute('aria-invalid')"), 'true')


@check('page: next and previous walk over the matches, the list shows them by function')
def walk(b, facts):
    reset(b)
    type_in(b, 'alloc')
    b.key('Enter')
    b.key('n')
    is_true(text(b, '#say').startswith('match 2 of '), text(b, '#say'))
    is_true('alloc' in b.js('D.names[V.focus.T.name[V.focus.node]]'))
    b.key('N')
    is_true(text(b, '#say').startswith('match 1 of '), text(b, '#say'))
    b.js("$('found').click()")
    is_true(b.js("[...document.querySelectorAll('td.name')].every(t => /alloc/i.test(t.textContent))"))


@check('page: a click zooms, back, forward, breadcrumb and reset undo it')
def zoom(b, facts):
    reset(b)
    x, y, node = box(b, 'i.d === 3 && !i.strip && i.w > 100')
    b.click(x, y)
    equal(b.js('location.hash'), f'#z={node}')
    equal(b.js('[V.items[0].node, Math.round(V.items[0].w) === V.width]'), [node, True])
    equal(b.js("document.querySelectorAll('#crumbs button').length"), 4)
    b.js('history.back()')
    b.wait("S.zoom === ''")
    b.js('history.forward()')
    b.wait(f"S.zoom === '{node}'")
    b.js("document.querySelectorAll('#crumbs button')[1].click()")
    equal(b.js('D.tree.depth[+S.zoom]'), 1)
    b.js("$('reset').click()")
    equal(b.js('S.zoom'), '')


@check('page: a strip says what it hides and opens on click')
def strip(b, facts):
    reset(b)
    x, y, node = box(b, 'i.strip && i.w > 10')
    b.move(x, y)
    is_true(re.search(r'[\d,]+ frames? too narrow to draw, [\d,]+ frames? with those below: [\d.]+ %',
                      text(b, '#tip')), text(b, '#tip'))
    b.click(x, y)
    is_true('-' in b.js('S.zoom'))
    is_true(b.js('V.items.some(i => !i.strip && i.node === %d && i.w >= 1.5)' % node), 'opened')


@check('page: the state is in the address')
def address(b, facts):
    node = b.js('D.tree.rowNode[D.tree.rowStart[3]]')
    b.js(f"location.hash = '#z={node}&q=alloc&o=flame&t=dark&c=0'")
    b.wait(f"S.zoom === '{node}' && S.query === 'alloc' && S.order === 'flame'")
    equal(b.js("document.documentElement.hasAttribute('data-dark')"), True)
    equal(b.js("$('query').value"), 'alloc')
    b.js("location.hash = '#z=99999999999&f=nonsense&c=77&v=<script>'")
    b.wait("S.zoom === ''")
    reset(b)


@check('page: shares and totals agree with a count of its own')
def sums(b, facts):
    reset(b)
    equal(b.js('''(() => {
        const T = D.tree, own = T.selfs[V.counter];
        let sum = 0, bad = 0;
        for (let k = 0; k < own.length; k++) sum += own[k];
        for (let i = 0; i < T.n; i += 97) {
            let below = self(T, i);
            for (let c = i + 1; c < T.end[i]; c = T.end[c]) below += total(T, c);
            bad += below !== total(T, i);
            const up = parent(T, i);
            bad += up >= 0 && !(T.X[i] >= T.X[up] && T.end[i] <= T.end[up] && T.depth[up] === T.depth[i] - 1);
        }
        return [sum === total(T, 0), bad]; })()'''), [True, 0])


@check('page: the function table sorts, and counts recursion once')
def table(b, facts):
    reset(b)
    b.key('t')
    is_true(visible(b, '#table') and not visible(b, '#graph'))
    column = ("[...document.querySelectorAll('#rows tr')].map(r => parseFloat(r.cells[%d].textContent))"
              '.every((v, i, a) => !i || v <= a[i - 1])')
    is_true(b.js(column % 0), 'by self')
    b.js("document.querySelectorAll('#columns button')[2].click()")
    is_true(b.js(column % 2), 'by total')
    is_true(b.js('wholeTable().total.every(v => v <= V.all)'))
    b.js("document.querySelector('td.name button').click()")
    equal(b.js('S.view'), 'fly')


@check('page: callers and callees add up to the function')
def fly(b, facts):
    reset(b)
    equal(b.js('''(() => {
        const R = wholeTable(), f = R.total.indexOf(R.total.slice().sort((a, b) => b - a)[6]);
        go({ view: 'fly', fn: String(f) }, true);
        return V.panes.map(p => total(p.T, 0) === R.total[f]); })()'''), [True, True])


@check('page: keys move from box to box, zoom, and read out the box')
def keys(b, facts):
    reset(b)
    b.js("$('graph').focus()")
    for key in 'ArrowDown', 'ArrowDown', 'ArrowDown':
        b.key(key)
    equal(b.js('V.focus.T.depth[V.focus.node]'), 2)
    is_true(' %' in text(b, '#say'), 'read out')
    before = b.js('V.focus.node')
    b.key('ArrowRight')
    is_true(b.js('V.focus.node') > before)
    b.key('ArrowLeft')
    b.key('Enter')
    equal(b.js('S.zoom'), str(before))
    b.key('u')
    equal(b.js('D.tree.depth[+S.zoom]'), 1)
    b.key('Escape')
    equal(b.js('S.zoom'), '')
    b.key('?')
    is_true(b.js("$('help').open"))
    b.key('Escape')
    is_true(not b.js("$('help').open"))


@check('page: flame stands on its root, icicle hangs from it')
def flame(b, facts):
    reset(b)
    top = b.js('V.items.find(i => i.d === 0).y')
    b.key('f')
    is_true(b.js('V.items.find(i => i.d === 0).y') > top + 300)
    b.key('f')
    equal(b.js('V.items.find(i => i.d === 0).y'), top)


CONTRAST = '''(() => {
    const pixel = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const light = css => { pixel.fillStyle = css; pixel.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...pixel.getImageData(0, 0, 1, 1).data].slice(0, 3).map(v => v / 255)
            .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
    D.modules.length = 0; for (let i = 0; i < 500; i++) D.modules.push('lib' + i + '.so');
    useTheme();
    return Math.min(...colours.map(c => ratio(c, C.text)), ratio(C.plain, C.text), ratio(C.match, C.matchText));
})()'''


@check('page: dark by system and by key, every label at least 4.5 to 1')
def dark(b, facts):
    reset(b)
    for scheme, is_dark in (('dark', True), ('light', False)):
        b.media(prefers_color_scheme=scheme)
        b.painted()
        equal(b.js('V.dark'), is_dark)
        b.js('window.modulesKept = D.modules.slice()')
        is_true(b.js(CONTRAST) >= 4.5, 'contrast')
        b.js('D.modules.splice(0, D.modules.length, ...modulesKept); render()')
    b.key('d')
    equal(b.js('V.dark'), True)


@check('page: hostile names are text')
def hostile(b, facts):
    equal(b.js('window.owned'), None)
    is_true(b.js("D.names.some(n => n.includes('</script><script>'))"), 'kept whole')
    equal(b.js(r"D.names.filter(n => /[\u202e\u2066\u0000-\u001f]/.test(n)).length"), 0)
    reset(b)
    type_in(b, '<')
    b.key('t')
    is_true(b.js("$('rows').querySelectorAll('script, img').length") == 0)
    b.js("go({ view: 'quality' })")
    is_true('make -j2 <world>' in text(b, '#quality'))


@check('page: counters and processes can be chosen')
def selectors(b, facts):
    reset(b)
    equal(b.js("$('counter').length"), 2)
    before = b.js('V.all')
    b.js("$('counter').value = '0'; $('counter').onchange()")
    equal(b.js('V.type.name'), 'samples')
    is_true(b.js('V.all') > 0 and before > 0)
    b.js("$('process').value = $('process').options[1].value; $('process').onchange()")
    equal(b.js('kind(D.tree.name[+S.zoom])'), 4)


@check('page: fits a phone at twice the pixels')
def phone(b, facts):
    reset(b)
    b.size(390, 780, 2, True)
    b.painted()
    equal(b.js('document.documentElement.scrollWidth <= innerWidth'), True)
    equal(b.js('[canvas.width, canvas.clientWidth * 2].every(v => Math.abs(v - canvas.width) < 2)'), True)
    b.size(1280, 800)
    b.painted()


@check('page: asks for nothing from anywhere, and may not')
def requests(b, facts):
    asked = [e['params']['request']['url'] for e in b.events if e['method'] == 'Network.requestWillBeSent']
    equal([u for u in asked if not u.startswith('file:///')], [])
    equal(b.js("fetch('file:///etc/hostname').then(() => 'read', () => 'refused')"), 'refused')
    equal(b.js("fetch('http://127.0.0.1:1/').then(() => 'read', e => 'refused')"), 'refused')
    equal(b.js('''new Promise(r => { addEventListener('securitypolicyviolation', e => r(e.effectiveDirective));
        const i = new Image(); i.src = 'data:image/gif;base64,R0lGODlhAQABAAAAACw='; })'''), 'img-src')
    equal(b.js('''(() => { const s = document.createElement('script'); s.textContent = 'window.owned = 1';
        document.body.append(s); return window.owned === undefined; })()'''), True)


def complaints(b):
    """What the page itself complained of: errors, and lines on the console."""
    kinds = 'Runtime.exceptionThrown', 'Runtime.consoleAPICalled', 'Log.entryAdded'
    return [e['params'] for e in b.events if e['method'] in kinds]


def without_script(b, path):
    b.call('Emulation.setScriptExecutionDisabled', value=True)
    b.events.clear()
    b.call('Page.navigate', url='file://' + os.path.abspath(path))
    while not any(e['method'] == 'Page.loadEventFired' for e in b.events):
        b.call('Page.getLayoutMetrics')


def shots(b, folder):
    def shot(name):
        b.painted()
        b.shot(os.path.join(folder, name + '.png'))
    reset(b)
    shot('icicle')
    type_in(b, 'alloc')
    shot('search')
    b.js("go({ view: 'table', query: '' })")
    shot('table')
    b.js("go({ view: '', order: 'flame', theme: 'dark' })")
    shot('flame-dark')


def run(b, name, test, *arguments):
    try:
        test(b, *arguments)
        print('ok - ' + name)
    except (AssertionError, RuntimeError, TypeError) as e:
        print('not ok - ' + name)
        print('# ' + ''.join(traceback.format_exception_only(type(e), e)).strip().replace('\n', '\n# '))
    sys.stdout.flush()


def no_complaints(b, facts):
    equal(complaints(b), [])


def top_table(b, path):
    without_script(b, path)
    equal(b.js("document.querySelectorAll('noscript table tr').length"), 21)
    equal(b.js("document.querySelector('main').offsetParent"), None)


def check_all(program, path, facts_file, folder):
    with open(facts_file, encoding='utf-8') as f:
        facts = {w[1]: w[2] for w in map(str.split, f) if w[0] == 'share'}
    profile = tempfile.mkdtemp(dir=folder)
    b = Browser(program, profile)
    try:
        b.open(path)
        for name, test in checks[:-1]:
            run(b, name, test, facts)
        shots(b, folder)
        run(b, 'page: no error and no word on the console', no_complaints, facts)
        run(b, *checks[-1], facts)
        run(b, 'page: without JavaScript it shows a table of the top 20', top_table, path)
    finally:
        b.close()
        shutil.rmtree(profile, ignore_errors=True)


TIMER = '''new Promise(done => { const t = performance.now(); %s;
    requestAnimationFrame(() => { const c = new MessageChannel();
        c.port1.onmessage = () => done(performance.now() - t); c.port2.postMessage(0); }); })'''


def median(b, action, times=5):
    values = []
    for i in range(times):
        values.append(b.js(TIMER % action.replace('{i}', str(i))))
    return sorted(values)[times // 2]


def memory(b):
    """Resident kB, at its highest, of the largest process of the browser that shows a page."""
    highest = 0
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/cmdline', 'rb') as f:
                if b'--type=renderer' not in f.read() or os.getpgid(int(pid)) != b.process.pid:
                    continue
            with open(f'/proc/{pid}/status', encoding='utf-8') as f:
                highest = max(highest, int(re.search(r'VmHWM:\s+(\d+)', f.read())[1]))
        except OSError:
            continue
    return highest


def time_page(program, path):
    usable = []
    for _ in range(3):
        profile = tempfile.mkdtemp()
        b = Browser(program, profile)
        b.open(path)
        usable.append(b.js("performance.getEntriesByName('usable')[0].startTime"))
        if len(usable) == 3:
            zoom = median(b, 'zoomTo(D.tree.rowNode[D.tree.rowStart[3 + {i} % 2] + {i}])')
            reset(b)
            search = median(b, "setQuery('alloc'.slice(0, 5 - {i} % 2))")
            reset(b)
            table = b.js(TIMER % "go({ view: 'table' })")
            butterfly = b.js(TIMER % "fly(D.nameFn[D.names.findIndex(n => n.startsWith('alloc'))])")
            peak = memory(b)
        b.close()
        shutil.rmtree(profile, ignore_errors=True)
    print(f'{os.path.basename(path)}: {os.path.getsize(path)} bytes, usable {sorted(usable)[1]:.0f} ms, '
          f'zoom {zoom:.0f} ms, search {search:.0f} ms, table {table:.0f} ms, '
          f'callers and callees {butterfly:.0f} ms, renderer {peak / 1024:.0f} MB')


if __name__ == '__main__':
    if sys.argv[1] == 'check':
        check_all(*sys.argv[2:])
    else:
        for page in sys.argv[3:]:
            time_page(sys.argv[2], page)
