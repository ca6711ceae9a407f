/** What a server offers besides the operations of the node: at present, the fixtures of the conformance suite. */
import type {
  CallToolResult,
  GetPromptResult,
  InputRequiredResult,
  Prompt,
  ReadResourceResult,
  Resource,
  ResourceTemplateType,
  ServerCapabilities,
  ServerContext,
  ServerOptions,
  Tool,
} from '@modelcontextprotocol/server';

export interface ExtraTool {
  readonly tool: Tool;
  call(
    input: Readonly<Record<string, unknown>>,
    context: ServerContext,
  ): Promise<CallToolResult | InputRequiredResult> | CallToolResult | InputRequiredResult;
}

export interface ExtraPrompt {
  readonly prompt: Prompt;
  get(given: Readonly<Record<string, string>>, context: ServerContext): GetPromptResult | InputRequiredResult;
}

export interface Extra {
  readonly capabilities: ServerCapabilities;
  readonly requestState: NonNullable<ServerOptions['requestState']>;
  readonly tools: ReadonlyMap<string, ExtraTool>;
  readonly prompts: ReadonlyMap<string, ExtraPrompt>;
  readonly resources: readonly Resource[];
  readonly templates: readonly ResourceTemplateType[];
  /** Nothing for an address that is none of these. */
  read(uri: string): ReadResourceResult | undefined;
}
