/** What each metric means, in Chinese; the English words are the help texts themselves. */
export const CHINESE: Readonly<Record<string, string>> = {
  gpu_listener_backlog_check_seconds: "读取一次网关积压的耗时（秒）。",
  gpu_listener_backlog_checked_timestamp_seconds:
    "上次读取网关积压的时间（Unix 秒）；首次读取之前没有此序列。",
  gpu_listener_backlog_checks_total:
    "读取网关积压的次数，按结果：ok、part（达到上限，只看到一部分）、failed。",
  gpu_listener_backlog_configured:
    "已知网关的 Redis（DSP_REDIS_URL）、因此能找出漏掉的通知时为 1，否则为 0。",
  gpu_listener_backlog_interval_seconds:
    "目前从一次读取网关积压到下一次的秒数：BACKLOG_INTERVAL；如果读取会占用超过 2 % 的时间则更长；不读取时没有此序列。",
  gpu_listener_backlog_jobs:
    "在网关等待工作机的任务数；只读取了一部分时，至少有这么多；无法得知时没有此序列。",
  gpu_listener_clock_jumps_total:
    "发现系统时钟与服务自己的时间相差很远的次数：ahead（机器被暂停或休眠过，或时钟被调快；重新证明路径）、behind（时钟被调慢；时间走得慢些，直到被追上）。",
  gpu_listener_frames_degraded_total: "因某些字段类型或长度不对而去掉这些字段后接受的帧数，按类型。",
  gpu_listener_frames_rejected_total: "无法理解的帧数，按原因。",
  gpu_listener_frames_total: "已理解的帧数，按类型；未知类型记为 other。",
  gpu_listener_gap_jobs_assumed_total: "因 ON_GAP 的设定且读不到积压，而被当作有任务的中断次数。",
  gpu_listener_gap_open: "来自网关的路径未经证明、可能漏通知时为 1，否则为 0。",
  gpu_listener_gap_seconds_total:
    "来自网关的路径未经证明的秒数，按原因；listener_down 由之后启动的 listener 计入。",
  gpu_listener_gaps_total: "来自网关的路径未经证明的次数，按最初的原因。",
  gpu_listener_notices_missed_total: "没有收到通知的任务数，按从何处发现；每个任务都已照样传递。",
  gpu_listener_notices_total: "表示有任务的通知数，按类型。",
  gpu_listener_outbox_depth: "等待 NATS 的事件数；合并在一起的任务算一个。",
  gpu_listener_state_failures_total:
    "写入 NATS 状态失败的次数，按要为下一个监听服务保存的内容（path、ledger）分列；每次都会重试。",
  gpu_power_state_failures_total:
    "写入 NATS 状态失败的次数，按要保存的内容（lease、demand、instance、hold、spending、work）分列；每次都会重试。",
  gpu_listener_spooled_events: "等待 NATS 且已写入磁盘的事件数，停止或崩溃都不会丢失；合并在一起的算一个。",
  gpu_listener_unspooled_events:
    "等待 NATS 而不在磁盘上的事件数（未设置 STATE_DIR，或无法写入）：停止或崩溃会丢失它们。",
  gpu_listener_outbox_dropped_total: "因发件箱已满或过旧而没有传递的状态查询和较旧的活动信息；绝不会是任务。",
  gpu_listener_outbox_folded_total: "因发件箱已满而与其他事件合并的事件数；不会因此丢失任务。",
  gpu_listener_path_proven_timestamp_seconds:
    "上次有帧像通知那样走完整条路径（通知本身或探测）的时间（Unix 秒）；第一次之前没有此序列。注册的应答不算证明。",
  gpu_listener_probe_seconds: "从探测发出到监视连接听到它的时间（秒）。",
  gpu_listener_probes_total:
    "通知路径的探测次数，按结果：proven（听到）、timeout（未按时听到）、unclear（未听到，但期间听到了通知）、not_sent（探测用的客户端未连接）。",
  gpu_listener_publish_seconds: "从发布事件到 JetStream 确认的时间（秒）。",
  gpu_listener_reconnects_total: "断开或放弃的网关连接数，按原因。",
  gpu_listener_registered: "网关已确认本连接为 gpu_monitor 时为 1，否则为 0。",
  gpu_listener_registration_proven_timestamp_seconds:
    "网关上次确认本连接为 gpu_monitor 的时间（Unix 秒）；第一次之前没有此序列。",
  gpu_listener_reports_total: "power 的报告数，按种类和去向（sent、expired、malformed）。",
  gpu_power_action_seconds: "一次开机或关机调用的耗时（秒），按所用通道（signed、api、page），不论结果。",
  gpu_power_actions_total:
    "开机与关机次数，按发送的通道（signed、api、page、none）和结果。每次按控制台的答复计一次（accepted、uncertain、refused、sold_out、not_tried）；可能已被接受的，再按之后的观察计一次（succeeded、no_effect、fell_back、timeout）。",
  gpu_power_backup_timestamp_seconds: "上次备份（make backup）完成的时间（Unix 秒）；第一次之前没有此序列。",
  gpu_power_console_session_begun_timestamp_seconds:
    "有人或 power 自己登录控制台会话的时间（Unix 秒）；无人知道时没有此序列。",
  gpu_power_console_session_end_timestamp_seconds:
    "按 cookie（profile 的 login.cookies）控制台会话何时结束（Unix 秒）；cookie 未说明、或由 power 自己登录（因而会再次自行登录）时没有此序列。",
  gpu_power_operator_controls: "有人在实时画面中控制控制台页面、因而 power 不开始任何操作时为 1，否则为 0。",
  gpu_power_live_watchers: "打开着控制台实时画面的浏览器数量。",
  gpu_power_browser_memory_bytes: "Chromium 所有进程的内存之和（PSS，字节）；读不到时没有此序列。",
  gpu_power_browser_restarts_total: "Chromium 重新启动的次数，按原因。",
  gpu_power_schedule:
    "policy.schedules 中当前生效的规则为 1（effect 为 keep_on：提前开机并保持；quiet：更早关机，或不为任务开机），其余为 0。",
  gpu_power_schedule_change_timestamp_seconds: "日程的要求下次变化的时间，Unix 秒；八天内不变时没有此序列。",
  gpu_power_starts_barred:
    "策略不允许任务触发开机时为 1，by 说明原因：quiet_time（policy.schedules 中带 noStarts 的规则）、budget（有如此规定的预算已用完）；否则为 0。",
  gpu_power_budget:
    "机器池在一个周期（policy.timeZone 的日、周、月）内按 policy.budget 的预算，单位为其货币；没有设预算时没有此序列。",
  gpu_power_budget_spent:
    "机器在该周期内开机和关机期间的费用（价格已知的部分），单位为其货币；没有设预算时没有此序列。",
  gpu_power_budget_warn_ratio: "用到预算的多大部分时告警（warnAt），从 0 到 1；没有设预算时没有此序列。",
  gpu_power_clock_jumps_total:
    "发现系统时钟与服务自己的时间相差很远的次数：ahead（机器被暂停或休眠过，或时钟被调快；一切重新查看）、behind（时钟被调慢；时间走得慢些，直到被追上）。",
  gpu_power_config_reload_success: "磁盘上的文件正在使用时为 1；最近一次修改被拒绝、仍用之前的内容时为 0。",
  gpu_power_console_errors_total: "在控制台上失败或存疑的步骤数，按种类。",
  gpu_power_console_session: "控制台会话：恰有一个状态为 1；签名 API 有应答、不需要浏览器时为 not_used。",
  gpu_power_consumer_pending: "NATS 为 power 保存、尚未合并进需求的事件数；NATS 不应答时没有此序列。",
  gpu_power_consumer_redelivered: "其中 NATS 不得不重复投递的事件数；NATS 不应答时没有此序列。",
  gpu_power_cost_total:
    "实例运行至今的花费（按其货币），每段时间按当时的价格：机器池文件的，否则服务商自己的。从未知道价格时没有此序列；价格未知的时间见 gpu_power_unpriced_seconds_total。",
  gpu_power_off_cost_total:
    "实例关机期间的花费（磁盘、镜像），自开始计算以来，按其货币和服务商自己的价格；从未知道价格时没有此序列。",
  gpu_power_unpriced_seconds_total: "实例运行而不知道价格的总秒数：其费用不在 gpu_power_cost_total 中。",
  gpu_power_price_per_hour:
    "实例每小时的价格（按其货币），运行时与关机后：机器池文件的，否则服务商 6 小时内所说的；不知道时没有此序列。",
  gpu_power_decisions_total: "调和循环的决定数，按理由；一轮可能有多个。",
  gpu_power_events_malformed_total: "本版本不认识其形状的任务事件数；大于 0 表示 power 比 listener 旧。",
  gpu_power_idle_limit_seconds:
    "运行中的实例没有工作迹象多少秒后可以关机：policy.idleTimeout（写明的或学到的），或安静时段、运维指令使之成为的时间；policy.minRunTime 更长时取后者。",
  gpu_power_without_gpu:
    "实例以无卡方式运行、因而无法执行任务时为 1，带 GPU 运行时为 0；不运行或服务商不提供时没有此序列。",
  gpu_power_planned_stop_timestamp_seconds:
    "服务商自己将关闭这台运行中实例的时间（Unix 秒），来自上次查看；by 说明由谁设定：power（policy.deadMansSwitch）或 other。没有计划时没有此序列。",
  gpu_power_planned_stop_failing_seconds:
    "实例的定时关机（policy.deadMansSwitch）在服务商处无法设定、推迟或撤销已有多少秒；可以时为 0；power 没有设定时没有此序列。",
  gpu_power_sold_out:
    "已关机的实例若开机会没有空闲 GPU 时为 1（服务商在上次查看时说明，或因此拒绝了上次启动）；说明有空闲时为 0；未关机或无人说明时没有此序列。",
  gpu_power_waiting_for_stock: "需要实例、而服务商没有空闲 GPU 因而无法得到时为 1，否则为 0。",
  gpu_power_release_timestamp_seconds:
    "服务商将连同数据删除这台已关机实例的时间（Unix 秒）；运行时或服务商不提供时没有此序列。",
  gpu_power_expiry_timestamp_seconds:
    "预付费且不自动续费的实例已付费至何时（Unix 秒）；自动续费、按量计费或服务商不提供时没有此序列。",
  gpu_power_gpu_usage_ratio:
    "实例最忙的 GPU 的使用率（0 到 1），来自服务商在上次查看时的说明；高于 policy.busyAbove 即不算空闲。服务商不提供，或 5 分钟没有查看时，没有此序列。",
  gpu_power_idle_seconds:
    "运行中的实例距上次工作迹象（任务、活动、GPU 在计算、自身启动）的秒数；不运行时没有此序列。",
  gpu_power_instance_forgotten: "已开机、而机器池文件不再列出的实例为 1；其他实例没有此序列。",
  gpu_power_instance_state: "实例的状态：恰有一个状态为 1。",
  gpu_power_leader: "本 power 持有租约、可以操作时为 1；待命或无法续租时为 0。",
  gpu_power_observe_seconds: "查看一次控制台的耗时（秒），按见证者（signed、api、page）。",
  gpu_power_needs: "当前有效的需求数：有人声明需要 GPU，并在到期前续期",
  gpu_power_hold:
    "当前生效的运维指令为 1：as_is（不启动也不停止）、on（保持开机）、off（保持关机）；全为 0 表示由 power 自行判断",
  gpu_power_signed_api: "服务商的签名 API，按上次查看的应答：恰有一个状态为 1；未设置密钥时没有此序列。",
  gpu_power_observed_timestamp_seconds: "上次向控制台询问该实例的时间（Unix 秒）。",
  gpu_power_oldest_pending_seconds: "尚未见到运行实例的任务中最早一个的等待秒数；没有等待时为 0。",
  gpu_power_pending_jobs: "尚未见到运行实例的任务数。",
  gpu_power_reconciled_timestamp_seconds: "调和循环上次完成一轮的时间（Unix 秒）；第一轮之前没有此序列。",
  gpu_power_start_latency_seconds:
    "开机各阶段的耗时（秒）：decide（最早的等待任务到决定）、command（决定到被接受）、boot（接受到运行）、worker（运行到工作机上线）、total（最早的等待任务到运行）。",
  gpu_power_stream_bytes: "JetStream 流占用的字节数；NATS 不应答时没有此序列。",
  gpu_power_stream_limit_bytes:
    "JetStream 流可占用的字节上限。GPU_JOBS 满了会拒收，因此不会不知不觉丢任务；其他流丢弃最旧的。NATS 不应答时没有此序列。",
  gpu_power_surplus_instances:
    "运行台数超出 policy.desiredRunning 的部分；正在关机的不算。网关会把每个任务发给其中每一台。",
  gpu_power_uptime_seconds_total: "实例被观察到运行的累计秒数；重启后继续累计。",
  gpu_power_witness_disagreements_total:
    "两个见证（签名 API、页面的 API、刚刷新的页面）给出不同状态的次数；一致之前不会关机。",
  gpu_power_worker_online:
    "运行中的实例启动以来有工作机上线或忙碌过为 1，没有为 0；不运行时、或多台同时运行而无法分辨是谁的工作机时，没有此序列。",
  gpu_listener_disk_free_bytes:
    "磁盘上还可写入的字节数：服务自身状态所在的磁盘；power 还包括机器池文件（设置和备份）所在的磁盘（host）。",
  gpu_listener_disk_bytes: "磁盘可容纳的字节数，不含为 root 保留的部分。",
  gpu_listener_disk_free_inodes: "磁盘上还可创建的文件数；文件系统没有上限时缺失。",
  gpu_listener_disk_inodes: "磁盘可容纳的文件数；文件系统没有上限时缺失。",
  gpu_listener_certificate_end_timestamp_seconds:
    "证书到期时间（Unix 秒）：外部服务器出示的证书中最先到期的一个（以其在此处的名称标记），以及 CA_DIR 中的每个 CA（以文件名标记）。没有 TLS 或服务器尚未应答时缺失。",
  gpu_listener_clock_ahead_seconds:
    "本机时钟比外部服务器的时钟快多少秒（慢则为负），精度约一秒。服务器不告知时间时缺失。",
  gpu_listener_clock_set_seconds:
    "本机时钟与服务自身时间相差多少秒（被往回拨为负）：服务的时间会走得慢些，直到被追上或重启。往前拨时，服务几秒内跟上。",
  gpu_power_disk_free_bytes:
    "磁盘上还可写入的字节数：服务自身状态所在的磁盘；power 还包括机器池文件（设置和备份）所在的磁盘（host）。",
  gpu_power_disk_bytes: "磁盘可容纳的字节数，不含为 root 保留的部分。",
  gpu_power_disk_free_inodes: "磁盘上还可创建的文件数；文件系统没有上限时缺失。",
  gpu_power_disk_inodes: "磁盘可容纳的文件数；文件系统没有上限时缺失。",
  gpu_power_certificate_end_timestamp_seconds:
    "证书到期时间（Unix 秒）：外部服务器出示的证书中最先到期的一个（以其在此处的名称标记），以及 CA_DIR 中的每个 CA（以文件名标记）。没有 TLS 或服务器尚未应答时缺失。",
  gpu_power_clock_ahead_seconds:
    "本机时钟比外部服务器的时钟快多少秒（慢则为负），精度约一秒。服务器不告知时间时缺失。",
  gpu_power_clock_set_seconds:
    "本机时钟与服务自身时间相差多少秒（被往回拨为负）：服务的时间会走得慢些，直到被追上或重启。往前拨时，服务几秒内跟上。",
  gpu_messenger_messages_total:
    "发给群机器人的消息数，按结果：sent 已送达；wait（机器人限流）、failed（其服务器故障）、refused（密钥或签名错误）未被接收；held 为避免触及限额而未发送。未送达的由 Alertmanager 再次发送。",
  gpu_messenger_sent_timestamp_seconds: "机器人最近一次收下消息的时间；第一次之前不存在。",
  gpu_power_hook_deliveries_total:
    "向 hook 发送的事件数：taken 已收下，failed 未收下（会再次发送），given_up 三天后放弃。",
  gpu_power_hook_waiting_seconds: "hook 拒收的最早一个事件已等待多久；没有则为 0。",
};
