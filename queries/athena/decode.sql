-- Which traffic was recorded? Every record, readable, newest first. Records without traffic
-- (NODATA) are left out; a SKIPDATA record stands for flows that were lost.
SELECT
    action,
    CASE flow_direction WHEN 'ingress' THEN 'into the gateway' WHEN 'egress' THEN 'out of the gateway' ELSE flow_direction END AS way,
    CASE traffic_path WHEN 1 THEN 'same VPC' WHEN 2 THEN 'internet gateway or gateway endpoint' WHEN 3 THEN 'virtual private gateway' WHEN 4 THEN 'peering in the region' WHEN 5 THEN 'peering to another region' WHEN 6 THEN 'local gateway' WHEN 7 THEN 'gateway endpoint' WHEN 8 THEN 'internet gateway' ELSE CAST(traffic_path AS varchar) END AS path,
    srcaddr,
    srcport,
    dstaddr,
    dstport,
    CASE protocol WHEN 1 THEN 'ICMP' WHEN 6 THEN 'TCP' WHEN 17 THEN 'UDP' WHEN 47 THEN 'GRE' WHEN 50 THEN 'ESP' WHEN 51 THEN 'AH' WHEN 58 THEN 'IPv6-ICMP' WHEN 132 THEN 'SCTP' ELSE CAST(protocol AS varchar) END AS transport,
    CASE
        WHEN bytes >= 1000000000000 THEN concat(CAST(bytes / 1000000000000 AS varchar), '.', CAST(bytes / 100000000000 % 10 AS varchar), ' TB')
        WHEN bytes >= 1000000000 THEN concat(CAST(bytes / 1000000000 AS varchar), '.', CAST(bytes / 100000000 % 10 AS varchar), ' GB')
        WHEN bytes >= 1000000 THEN concat(CAST(bytes / 1000000 AS varchar), '.', CAST(bytes / 100000 % 10 AS varchar), ' MB')
        WHEN bytes >= 1000 THEN concat(CAST(bytes / 1000 AS varchar), '.', CAST(bytes / 100 % 10 AS varchar), ' kB')
        ELSE concat(CAST(bytes AS varchar), ' B')
    END AS size,
    bytes,
    type,
    pkt_srcaddr,
    pkt_src_aws_service,
    pkt_dstaddr,
    pkt_dst_aws_service,
    packets,
    from_unixtime("start") AS started,
    from_unixtime("end") AS ended,
    CASE tcp_flags WHEN 0 THEN 'none' WHEN 1 THEN 'FIN' WHEN 2 THEN 'SYN' WHEN 3 THEN 'SYN FIN' WHEN 4 THEN 'RST' WHEN 5 THEN 'FIN RST' WHEN 6 THEN 'SYN RST' WHEN 7 THEN 'SYN FIN RST' WHEN 18 THEN 'SYN-ACK' WHEN 19 THEN 'SYN-ACK FIN' WHEN 22 THEN 'SYN-ACK RST' WHEN 23 THEN 'SYN-ACK FIN RST' ELSE CAST(tcp_flags AS varchar) END AS flags,
    log_status,
    coalesce(interface_id, resource_id) AS recorded_on
FROM recorded_flows
WHERE log_status <> 'NODATA'
    -- To look at one recording, put the conditions of its e-mail here.
ORDER BY started DESC
LIMIT 10000
