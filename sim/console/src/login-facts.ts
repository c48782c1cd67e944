import { createHash } from "node:crypto";

/** How one logs in to a machine: what the provider's answers hold, the page shows, and nobody may keep. */
export interface LoginFacts {
  readonly Password: string;
  readonly SshLoginCommand: string;
  readonly IPSet: ReadonlyArray<{ readonly IPMode: string; readonly Type: string; readonly IP: string }>;
  readonly Softwares: ReadonlyArray<{ readonly Name: string; readonly URL: string }>;
}

/** Each machine's own, the same each time. The password has what HTML, JSON and addresses write otherwise. */
export function loginFactsOf(uHostId: string): LoginFacts {
  const digest = createHash("sha256").update(uHostId).digest();
  const [a = 0, b = 0, c = 0] = digest;
  const words = digest.toString("hex");
  const address = `203.0.113.${a}`;
  return {
    Password: `Pw<${words.slice(0, 10)}>&"%`,
    SshLoginCommand: `ssh -p ${20_000 + b * 100} root@${address}`,
    IPSet: [
      { IPMode: "IPv4", Type: "BGP", IP: address },
      { IPMode: "IPv4", Type: "Private", IP: `198.51.100.${c}` },
    ],
    Softwares: [{ Name: "JupyterLab", URL: `http://${address}:8888/lab?token=${words.slice(10, 30)}` }],
  };
}
