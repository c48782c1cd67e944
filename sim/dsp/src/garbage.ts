/** What a gateway, or anybody through it, may send that no monitor can use. */
export const GARBAGE = {
  "not-json": "<html>502 Bad Gateway</html>",
  huge: `{"type":"url","key":"${"x".repeat(10 * 1024 * 1024)}"}`,
  "wrong-types": '{"type":5,"key":{"a":[1]}}',
  "wrong-fields": '{"type":"gpu.job.submit","task_type":["x"],"key":{},"request_id":7}',
  proto: '{"type":"nope","__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
  array: "[1,2,3]",
  null: "null",
  empty: "",
  binary: Buffer.from([0, 1, 2, 250]),
} as const;
export type Garbage = keyof typeof GARBAGE;
export const GARBAGE_KINDS = Object.keys(GARBAGE) as [Garbage, ...Garbage[]];
