// What the page itself says, in English and Chinese, by the reader's browser.

const english = {
  cancel: "Cancel",
  cleared: "Context cleared",
  connecting: "Connecting…",
  conversation: "Conversation",
  copied: "Copied",
  copy: "Copy",
  copyAnswer: "Copy answer",
  copyCode: "Copy code",
  drop: "Discard",
  enter: "Enter",
  help: "What can I type here?",
  introduce: "Introduce yourself",
  jump: "Jump to the latest message",
  loadingOlder: "Loading earlier messages…",
  loginHint: "This chat is private. Enter its access token, or open the link you were given.",
  message: "Message",
  nameHint: "What should the agent call you? (optional)",
  newConversation: "New conversation",
  notSent: "Not sent",
  reconnecting: "Reconnecting…",
  retry: "Try again",
  save: "Save",
  send: "Send",
  sending: "Sending…",
  stop: "Stop answering",
  token: "Access token",
  tooLong: "This message is too long to send in one piece.",
  typing: "The agent is typing",
  waiting: "Waiting for the connection…",
  welcome: "How can I help?",
  welcomeHint: "Ask anything. Answers appear as they are written.",
  wrongToken: "That token does not open this chat.",
  unreachable: "The server does not answer. Please try again.",
  you: "You said",
  agent: "The agent answered",
  yourName: "Your name",
};

const chinese = {
  cancel: "取消",
  cleared: "上下文已清除",
  connecting: "正在连接…",
  conversation: "对话",
  copied: "已复制",
  copy: "复制",
  copyAnswer: "复制回答",
  copyCode: "复制代码",
  drop: "放弃",
  enter: "进入",
  help: "这里可以输入什么？",
  introduce: "介绍一下你自己",
  jump: "跳到最新消息",
  loadingOlder: "正在加载更早的消息…",
  loginHint: "这是一个私密的聊天。请输入访问令牌，或打开收到的链接。",
  message: "输入消息",
  nameHint: "智能体该怎么称呼你？（可选）",
  newConversation: "新对话",
  notSent: "未发送",
  reconnecting: "正在重新连接…",
  retry: "重试",
  save: "保存",
  send: "发送",
  sending: "正在发送…",
  stop: "停止回答",
  token: "访问令牌",
  tooLong: "消息太长，无法一次发送。",
  typing: "对方正在输入",
  waiting: "等待网络连接…",
  welcome: "有什么可以帮你？",
  welcomeHint: "尽管提问，回答会边写边显示。",
  wrongToken: "这个令牌无法打开此聊天。",
  unreachable: "服务器没有响应，请重试。",
  you: "你说",
  agent: "智能体回答",
  yourName: "你的名字",
};

export const language = navigator.language || "en";
const isChinese = language.toLowerCase().startsWith("zh");
export const words = isChinese ? chinese : english;

/** Put the words into the parts of the page that are there from the start. */
export function label(root) {
  root.documentElement.lang = isChinese ? "zh" : "en";
  for (const element of root.querySelectorAll("[data-word]")) {
    element.textContent = words[element.dataset.word];
  }
  for (const element of root.querySelectorAll("[data-label]")) {
    element.ariaLabel = element.title = words[element.dataset.label];
  }
  for (const element of root.querySelectorAll("[data-hint]")) {
    element.placeholder = words[element.dataset.hint];
    element.title = "";
  }
}
