/** Bodies of requests, as each binding of A2A has them. */
import { A2A_ERROR_CODE, RequestMalformedError } from '@a2a-js/sdk/errors';
import type { FastifyRequest } from 'fastify';
import { checkEncoding } from '../http/encoding.ts';
import { BodyError, readJson } from '../http/json-body.ts';
import { checkRequest, type Method } from './shapes.ts';

export interface RpcRequest {
  readonly method: string;
  readonly id?: unknown;
  readonly params?: unknown;
}

/** The request of a body, or what JSON-RPC says to a body that is none. */
export function parsed(request: FastifyRequest): { request: RpcRequest } | { problem: object } {
  checkEncoding(request);
  let value: unknown;
  try {
    value = readJson((request.body ?? new Uint8Array(0)) as Uint8Array);
  } catch (error) {
    if (!(error instanceof BodyError)) throw error;
    return { problem: { code: A2A_ERROR_CODE.PARSE_ERROR, message: error.message } };
  }
  if (isRpcRequest(value)) return { request: value };
  return {
    problem: { code: A2A_ERROR_CODE.INVALID_REQUEST, message: 'The body is no request of JSON-RPC 2.0.' },
  };
}

/** A longer id, or name of a method, is none that a client has made to tell its requests apart. */
const RPC_NAME_CHARACTERS_MAX = 512;

function isRpcRequest(value: unknown): value is RpcRequest {
  const { jsonrpc, method, id = null } = (value ?? {}) as Record<string, unknown>;
  const isName = (one: unknown): boolean =>
    typeof one === 'string' && one.length <= RPC_NAME_CHARACTERS_MAX && one.isWellFormed();
  return jsonrpc === '2.0' && isName(method) && (id === null || typeof id === 'number' || isName(id));
}

/** The body of a request over HTTP+JSON. @throws RequestMalformedError */
export function bodyOf(method: Method, request: FastifyRequest): object {
  checkEncoding(request);
  const value = request.body === undefined ? {} : jsonOf(request.body as Uint8Array);
  checkRequest(method, value);
  return value as object;
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return readJson(body);
  } catch (error) {
    throw error instanceof BodyError ? new RequestMalformedError(error.message) : error;
  }
}
