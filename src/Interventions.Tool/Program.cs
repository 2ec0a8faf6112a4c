using System.Text;
using Interventions.Tool;

Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
return await new ToolCommands(ToolConsole.OfProcess()).RunAsync(args).ConfigureAwait(false);
