// Prints the CPU time of the first request, the start of Node included (ms), and of each request after it (µs).
import { pathToFileURL } from "node:url";

const [bundle, text, rounds] = process.argv.slice(2);
const warm = Number(rounds);
const { handler } = await import(pathToFileURL(bundle));
const spent = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};
const answer = await handler(JSON.parse(text));
const cold = spent();
if (answer.statusCode !== 201) throw new Error(JSON.stringify(answer));
for (let i = 0; i < warm / 10; i++) await handler(JSON.parse(text));
const begin = spent();
for (let i = 0; i < warm; i++) await handler(JSON.parse(text));
console.log(JSON.stringify([cold / 1000, (spent() - begin) / Math.max(warm, 1)]));
process.exit(0);
