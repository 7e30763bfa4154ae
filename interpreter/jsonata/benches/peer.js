// The npm engine's side of the benchmark: answers one line of JSON for each line it is given.
const readline = require('readline');
const jsonata = require(process.argv[2]);

const rows = [];

/** CPU microseconds that this process has used. */
function cpu() {
    const { user, system } = process.cpuUsage();
    return user + system;
}

/** Nanoseconds of one `work`, over as many as take 20 ms or so. */
async function time(row, field, work) {
    for (;;) {
        const rounds = row[field];
        const start = cpu();
        for (let n = 0; n < rounds; n += 1) {
            await work();
        }
        const spent = cpu() - start;
        if (spent >= 10000) {
            return (spent * 1000) / rounds;
        }
        row[field] = Math.ceil(rounds * Math.min(10, 20000 / Math.max(spent, 1)));
    }
}

async function answer({ row, add, what }) {
    if (add) {
        const compiled = jsonata(add.text);
        rows.push({ text: add.text, states: add.states, compiled, evaluate: 1, compile: 1 });
        return compiled.evaluate(null, { states: add.states });
    }
    const known = rows[row];
    if (what === 'compile') {
        return time(known, 'compile', () => jsonata(known.text));
    }
    return time(known, 'evaluate', () => known.compiled.evaluate(null, { states: known.states }));
}

(async () => {
    for await (const line of readline.createInterface({ input: process.stdin })) {
        console.log(JSON.stringify(await answer(JSON.parse(line))));
    }
})();
