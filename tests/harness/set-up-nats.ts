/** What `make setup-nats` does to a server with the users of the shipped configuration. */
import { connectAsSetup } from "../../scripts/streams/connection.ts";
import { setUp } from "../../scripts/streams/set-up.ts";

/** @param urls of all servers, separated by commas. */
export async function setUpNats(urls: string, password: string, replicas: number): Promise<void> {
  const nats = await connectAsSetup({ NATS_URL: urls, NATS_USER: "setup", NATS_PASSWORD: password });
  try {
    await setUp(nats, replicas);
  } finally {
    await nats.connection.close();
  }
}
